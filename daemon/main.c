/* hyperdrived: a daemon that runs hyperparameter sweeps. */
#include <stdio.h>

#include "daemon.h"
#include "log.h"
#include "settings.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct hd_error error = {0};
    int result = settings_load(&settings, argc, argv, &error);

    if (result < 0) {
        fprintf(stderr, "hyperdrived: %s\n", error.message);
        return EXIT_USAGE;
    }
    if (result > 0)
        return 0;
    log_open(settings.log_level);
    result = daemon_run(&settings, &error);
    if (result != 0)
        log_line(LOG_LEVEL_ERROR, "%s", error.message);
    settings_clear(&settings);
    return result != 0 ? EXIT_FAILED : 0;
}
