/* A lane's socket for the front: a thread for each connection, which waits for a question, has it answered, and waits
 * for the next (packet.h). The front keeps its connections, so that a question costs no thread. */
#pragma once
#include "gateway/common/packet.h"
#include "gateway/common/paths.h"

#define PACKET_DESK_ITEMS "items" /* the exchange's */
#define PACKET_DESK_USAGE "usage" /* the ratings' intake */
/* Where the lane listens for what is asked under this name. The caller frees. */
char *packet_desk_path(const LanePaths *paths, const char *name);

typedef struct PacketDesk PacketDesk;
/* In a connection's thread; may take long. Sends one answer. FALSE: the connection is of no more use. */
typedef gboolean (*PacketAnswer)(gpointer user, int socket, const Packet *question);
/* Listens at the path, of SOCK_SEQPACKET (local_socket.h), until it is freed. */
PacketDesk *packet_desk_open(const char *path, PacketAnswer answer, gpointer user,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
guint packet_desk_connections(PacketDesk *desk);
/* Takes no more questions, and waits for the answers to those that were taken. FALSE: some were not given within the
 * time; then it must not be freed. NULL is fine. */
gboolean packet_desk_end(PacketDesk *desk, guint grace_seconds);
void packet_desk_free(PacketDesk *desk);
