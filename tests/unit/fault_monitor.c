/* Linked into a monitor for tests: it arms the fault that the file `fault` in its run folder names, `memory N` or `system N`. (It gets no
 * environment.) */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fault.h"

__attribute__((constructor)) static void arm(int argc, char **argv)
{
    char path[4096], text[64] = "";
    long nth;
    int file;

    snprintf(path, sizeof path, "%s/fault", argc > 1 ? argv[1] : "");
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    if (read(file, text, sizeof text - 1) > 0 && sscanf(text, "memory %ld", &nth) == 1)
        fault_arm(FAULT_MEMORY, nth);
    else if (sscanf(text, "system %ld", &nth) == 1)
        fault_arm(FAULT_SYSTEM, nth);
    (void)close(file);
    (void)unlink(path); /* the next monitor has none: a fault that stays is another test */
}
