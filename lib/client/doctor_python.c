/* The check of `hyperdrive doctor` for the interpreters that scripts and commands of sweeps call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"

/* The value of PATH that children inherit: the daemon's where it can be looked at. NULL: it cannot. */
static const char *daemon_path(const struct doctor *doctor, struct hd_text *environment)
{
    char file[64];

    snprintf(file, sizeof(file), "/proc/%d/environ", (int)doctor->pid);
    if (!doctor->local || !doctor_read(file, environment) || environment->length == 0) {
        return NULL;
    }
    return doctor_variable(environment->data, environment->length, "PATH");
}

/* Finds a program as execvp does; false when no folder of `path` has it. */
static bool find_program(const char *path, const char *name, struct hd_text *ret_program)
{
    for (const char *folder = path; folder != NULL; folder = strchr(folder, ':')) {
        struct stat status;

        folder += *folder == ':' ? 1 : 0;
        hd_text_clear(ret_program);
        hd_text_format(ret_program, "%.*s/%s", (int)strcspn(folder, ":"), folder, name);
        if (!ret_program->failed && access(ret_program->data, X_OK) == 0 && stat(ret_program->data, &status) == 0 &&
            S_ISREG(status.st_mode)) {
            return true;
        }
    }
    return false;
}

void doctor_check_python(struct doctor *doctor, struct doctor_finding *finding)
{
    struct hd_text environment = {0}, program = {0}, said = {0};
    const char *of_daemon = daemon_path(doctor, &environment);
    const char *path = of_daemon != NULL ? of_daemon : getenv("PATH");
    const char *whose = of_daemon != NULL ? "the daemon's PATH" : "PATH";
    bool found = find_program(path, "python3", &program);
    char *argv[] = {program.data, (char *)"--version", NULL};

    if (!found || doctor_run(argv, &said) != 0) {
        doctor_found(finding, DOCTOR_WARNING,
                     "python3 is not found in %s, or does not run; run_config.script needs it (a command does not)", whose);
    } else if (!find_program(path, "python", &program)) {
        doctor_found(finding, DOCTOR_WARNING,
                     "%s; but %s has no python, which the commands of many jobs call (they fail with exit code 127): install "
                     "python-is-python3, or write python3 in the command",
                     said.data != NULL ? said.data : "python3", whose);
    } else {
        doctor_found(finding, DOCTOR_OK, "%s", said.data != NULL ? said.data : "");
    }
    hd_text_clear(&environment);
    hd_text_clear(&program);
    hd_text_clear(&said);
}
