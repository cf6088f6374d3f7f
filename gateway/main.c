/* The program: the operator's commands, or one of the processes that it starts of itself. A courier is told apart
 * first: it does nothing that it does not need before it is locked in. */
#include "gateway/cli/command.h"
#include "gateway/front/front.h"
#include "gateway/lane/lane.h"
#include "gateway/packing/packing.h"
#include "transfer/courier.h"
#include <stdlib.h>
#include <string.h>

/* `sallyport lane NAME --configuration-fd N --supervisor-fd M`, as gateway/supervisor/supervised.c starts it. */
static int run_lane(int argc, char **argv) {
  if (argc != 7 || strcmp(argv[3], "--configuration-fd") != 0 || strcmp(argv[5], "--supervisor-fd") != 0) {
    cli_complain("lanes are started by `sallyport run`; for one lane: sallyport run --lane NAME");
    return CLI_EXIT_USAGE;
  }
  LaneOptions options = {.name = argv[2], .configuration_fd = atoi(argv[4]), .supervisor_fd = atoi(argv[6])};
  return lane_run(&options);
}

/* `sallyport front --configuration-fd N --supervisor-fd M`, likewise. */
static int run_front(int argc, char **argv) {
  if (argc != 6 || strcmp(argv[2], "--configuration-fd") != 0 || strcmp(argv[4], "--supervisor-fd") != 0) {
    cli_complain("the front is started by `sallyport run`, when the configuration has a front { … }");
    return CLI_EXIT_USAGE;
  }
  FrontOptions options = {.configuration_fd = atoi(argv[3]), .supervisor_fd = atoi(argv[5])};
  return front_run(&options);
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "courier") == 0)
    return courier_main();
  if (argc >= 2 && (strcmp(argv[1], "unpack") == 0 || strcmp(argv[1], "pack") == 0))
    return packing_main(argc, argv);
  if (argc >= 2 && strcmp(argv[1], "lane") == 0)
    return run_lane(argc, argv);
  if (argc >= 2 && strcmp(argv[1], "front") == 0)
    return run_front(argc, argv);
  return cli_main(argc, argv);
}
