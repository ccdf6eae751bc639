/* A child that says when its first and its last instruction ran: stamp FILE appends "<first> <last>\n", monotonic microseconds.
 *
 * It is linked statically, so that the way to its first instruction is the system's and not the dynamic linker's. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    int64_t first_us = clock_us();
    int file = argc == 2 ? open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    char line[64];
    int length;

    if (file < 0)
        return 1;
    length = snprintf(line, sizeof line, "%" PRId64 " %" PRId64 "\n", first_us, clock_us());
    _exit(write(file, line, (size_t)length) == length ? 0 : 1);
}
