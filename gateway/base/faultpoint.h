/* Named fail points, compiled in where SALLYPORT_FAULTS is defined (`make faults`, FAULTS=1); nothing at all otherwise:
 * an environment cannot arm what is not in the program. Files include this themselves and no header does, so that
 * `make faults` finds by their text the files that it compiles a second time; all others are the plain build's.
 *
 * A fail point stands before and after every commit and every effect outside the store. The environment variable
 * SALLYPORT_FAULT arms one of them for this process and its children:
 *   SALLYPORT_FAULT=name           SIGKILL at the first pass
 *   SALLYPORT_FAULT=name:3         SIGKILL at the third pass of this process
 * SALLYPORT_FAULT_ONCE=PATH makes it happen once over all processes: the file is made before the kill, and a process
 * that finds it there does not kill. SALLYPORT_FAULT_LOG=PATH appends each point's name as it is passed (to list them
 * all). */
#pragma once
#ifdef SALLYPORT_FAULTS
void fault_point(const char *name);
#else
static inline void fault_point(const char *name) {
  (void)name;
}
#endif
