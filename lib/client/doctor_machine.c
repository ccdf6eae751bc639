/* Checks of `hyperdrive doctor` that look at programs: the monitor, the configuration file, systemd. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"

void doctor_check_monitor(struct doctor *doctor, struct doctor_finding *finding)
{
    const char *monitor = member_text(doctor->version, "monitor", NULL);
    struct stat status;

    if (!doctor->local || monitor == NULL) {
        doctor_found(finding, DOCTOR_UNKNOWN, "the daemon tells where it is, and does not answer on this machine");
    } else if (stat(monitor, &status) != 0) {
        doctor_found(finding, DOCTOR_FAULT, "%s: %s; no child can start: install it, or set 'monitor'", monitor, strerror(errno));
    } else if (!S_ISREG(status.st_mode) || access(monitor, X_OK) != 0) {
        doctor_found(finding, DOCTOR_FAULT, "%s cannot be executed; no child can start: chmod 0755 %s", monitor, monitor);
    } else {
        doctor_found(finding, DOCTOR_OK, "%s", monitor);
    }
}

/* --- The configuration file -------------------------------------------------------------------------------------------------------------
 */

/* The running daemon's own program, or one beside this command, or one that the system finds. Empty: none. */
static struct hd_text find_hyperdrived(const struct doctor *doctor)
{
    static const char *const beside[] = {"../sbin/hyperdrived", "hyperdrived", "../../daemon/hyperdrived"};
    static const char *const places[] = {"/usr/sbin/hyperdrived", "/usr/local/sbin/hyperdrived"};
    char own[4096], path[64];
    struct hd_text found = {0};
    ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);

    snprintf(path, sizeof(path), "/proc/%d/exe", (int)doctor->pid);
    if (doctor->local && access(path, X_OK) == 0) {
        hd_text_add_string(&found, path);
        return found;
    }
    own[length > 0 ? length : 0] = '\0';
    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]) && strrchr(own, '/') != NULL; i++) {
        hd_text_clear(&found);
        hd_text_format(&found, "%.*s/%s", (int)(strrchr(own, '/') - own), own, beside[i]);
        if (!found.failed && access(found.data, X_OK) == 0) {
            return found;
        }
    }
    hd_text_clear(&found);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (access(places[i], X_OK) == 0) {
            hd_text_add_string(&found, places[i]);
            return found;
        }
    }
    return found;
}

/* Begins a line of --check-config about what is right today and will not be for long. */
static const char warning_begin[] = "warning: ";

/* What --check-config ends with for what another user may see or do. */
enum { EXIT_DEPENDS = 1 };

static bool is_daemons_user(const struct doctor *doctor)
{
    struct stat status;

    return geteuid() == 0 || (stat(doctor->folder, &status) == 0 && status.st_uid == geteuid());
}

void doctor_check_configuration(struct doctor *doctor, struct doctor_finding *finding)
{
    const char *file = doctor->local ? member_text(doctor->version, "configuration_file", NULL) : NULL;
    struct hd_text program = find_hyperdrived(doctor), said = {0};
    char *with_file[] = {program.data, (char *)"--config", (char *)file, (char *)"--check-config", NULL};
    char *without[] = {program.data, (char *)"--check-config", NULL};
    int code;

    if (program.length == 0 || program.failed) {
        doctor_found(finding, DOCTOR_UNKNOWN, "the program hyperdrived is not found here");
        hd_text_clear(&program);
        return;
    }
    code = doctor_run(file != NULL ? with_file : without, &said);
    if (code == EXIT_DEPENDS && !is_daemons_user(doctor)) {
        doctor_found(finding, DOCTOR_UNKNOWN, "as this user sees it, who is not the daemon's: %s", said.data != NULL ? said.data : "");
    } else if (code == 0) {
        const char *warning = said.data != NULL ? strstr(said.data, warning_begin) : NULL;

        doctor_found(finding, warning != NULL ? DOCTOR_WARNING : DOCTOR_OK, "%s",
                     warning != NULL     ? warning + strlen(warning_begin)
                     : said.data != NULL ? said.data
                                         : "");
    } else if (code > 0) {
        doctor_found(finding, DOCTOR_FAULT, "%s", said.data != NULL ? said.data : "hyperdrived --check-config refuses it");
    } else {
        doctor_found(finding, DOCTOR_UNKNOWN, "hyperdrived --check-config could not be run, or did not end");
    }
    hd_text_clear(&said);
    hd_text_clear(&program);
}

/* --- systemd ----------------------------------------------------------------------------------------------------------------------------
 */

static const char unit[] = "hyperdrived.service";

static bool says(const struct hd_text *said, const char *line)
{
    return said->data != NULL && strstr(said->data, line) != NULL;
}

/* Whether the user's service manager ends with his last session. */
static bool is_without_linger(void)
{
    char user[16];
    char *argv[] = {(char *)"loginctl", (char *)"show-user", user, (char *)"--property=Linger", NULL};
    struct hd_text said = {0};
    bool without;

    snprintf(user, sizeof(user), "%u", (unsigned)geteuid());
    without = doctor_run(argv, &said) == 0 && says(&said, "Linger=no");
    hd_text_clear(&said);
    return without;
}

/* The unit of the machine, or of the user who looks at his own daemon. */
static void judge_unit(const struct doctor *doctor, bool own, const struct hd_text *said, struct doctor_finding *finding)
{
    static const char system_folder[] = "/var/lib/hyperdrive";
    const char *whose = own ? "this user's " : "", *option = own ? " --user" : "";

    if (says(said, "LoadState=not-found")) {
        doctor_found(finding, DOCTOR_OK, "there is no unit %s", unit);
    } else if (says(said, "ActiveState=failed")) {
        doctor_found(finding, DOCTOR_FAULT, "%s%s has failed; see: journalctl%s -u %s", whose, unit, option, unit);
    } else if (says(said, "ActiveState=active") && says(said, "UnitFileState=disabled") && !says(said, "TriggeredBy=hyperdrived.socket")) {
        doctor_found(finding, DOCTOR_WARNING, "%s%s does not start with the machine; systemctl%s enable %s", whose, unit, option, unit);
    } else if (says(said, "ActiveState=active") && own && is_without_linger()) {
        doctor_found(finding, DOCTOR_WARNING, "%s%s ends with its children when you log out; loginctl enable-linger", whose, unit);
    } else if (says(said, "ActiveState=active")) {
        doctor_found(finding, DOCTOR_OK, "%s%s is active", whose, unit);
    } else if (own && doctor->version != NULL) {
        doctor_found(finding, DOCTOR_OK, "%s%s is not active: the daemon was started otherwise", whose, unit);
    } else if (own || strcmp(doctor->folder, system_folder) == 0) {
        doctor_found(finding, own ? DOCTOR_WARNING : DOCTOR_FAULT, "%s%s is not active; systemctl%s enable --now %s", whose, unit, option,
                     unit);
    } else {
        doctor_found(finding, DOCTOR_OK, "%s is not active, and %s is not its folder", unit, doctor->folder);
    }
}

void doctor_check_systemd(struct doctor *doctor, struct doctor_finding *finding)
{
    bool own = find_is_own_folder(doctor->folder);
    char *manager = (char *)(own ? "--user" : "--system");
    char *argv[] = {(char *)"systemctl", manager, (char *)"show", (char *)"--property=LoadState,ActiveState,UnitFileState,TriggeredBy",
                    (char *)unit,        NULL};
    struct hd_text said = {0};

    if (access("/run/systemd/system", F_OK) != 0) {
        doctor_found(finding, DOCTOR_UNKNOWN, "systemd does not run here");
        return;
    }
    if (doctor_run(argv, &said) != 0) {
        doctor_found(finding, DOCTOR_UNKNOWN, "systemctl %s show %s failed: %s", manager, unit,
                     said.data != NULL ? said.data : "it could not be run");
    } else {
        judge_unit(doctor, own, &said, finding);
    }
    hd_text_clear(&said);
}
