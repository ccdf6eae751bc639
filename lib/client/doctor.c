/* `hyperdrive doctor`: looks at an installation and says, one line for each check, what is wrong and what would be right. */
#include "doctor.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/instant.h"
#include "core/json.h"

enum { FREE_LEAST_MIB = 1024, PATIENCE_MS = 10000 };

static const struct {
    const char *name;
    doctor_check *check;
} checks[] = {
    {"address", doctor_check_address},
    {"daemon", doctor_check_reachable},
    {"token", doctor_check_token},
    {"version", doctor_check_version},
    {"database", doctor_check_database},
    {"clock", doctor_check_clock},
    {"state folder", doctor_check_folder},
    {"secrets", doctor_check_secrets},
    {"file system", doctor_check_file_system},
    {"free space", doctor_check_free_space},
    {"lock", doctor_check_lock},
    {"monitor", doctor_check_monitor},
    {"configuration", doctor_check_configuration},
    {"python3", doctor_check_python},
    {"systemd", doctor_check_systemd},
    {"limits", doctor_check_limits},
    {"leftovers", doctor_check_leftovers},
    {"devices", doctor_check_devices},
    {"run limits", doctor_check_run_limits},
};

enum { CHECKS = sizeof(checks) / sizeof(checks[0]) };

static const struct {
    const char *name;
    enum table_style style;
} results[DOCTOR_RESULTS] = {
    [DOCTOR_OK] = {"ok", TABLE_GOOD},
    [DOCTOR_WARNING] = {"warning", TABLE_BUSY},
    [DOCTOR_FAULT] = {"fault", TABLE_BAD},
    [DOCTOR_UNKNOWN] = {"unknown", TABLE_DIM},
};

void doctor_found(struct doctor_finding *finding, enum doctor_result result, const char *format, ...)
{
    char sentence[HD_ERROR_MESSAGE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    finding->result = result;
    hd_text_clear(&finding->message);
    hd_text_add_string(&finding->message, sentence);
}

/* --- What all checks may look at ----------------------------------------------------------------------------------------------------- */

static double now_seconds(clockid_t clock)
{
    struct timespec now = {0};

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void compare_clocks(struct doctor *doctor, double began, double ended)
{
    int64_t at_us;

    if (hd_instant_parse(member_text(doctor->version, "time_utc", ""), &at_us)) {
        doctor->uncertainty = (ended - began) / 2;
        doctor->ahead = (double)at_us / 1e6 - (began + doctor->uncertainty);
    }
}

static void ask_version(struct doctor *doctor)
{
    struct rest_request request = {.path = "/version", .timeout_ms = PATIENCE_MS};
    struct rest_answer answer = {0};
    double began = now_seconds(CLOCK_REALTIME);

    if (rest_open(&doctor->client->rest, &doctor->address, &doctor->version_error) < 0 ||
        rest_call(doctor->client->rest, &request, &answer, &doctor->version_error) < 0) {
        return;
    }
    if (strcmp(member_text(answer.json, "name", ""), "hyperdrived") == 0) {
        doctor->version = answer.json;
        answer.json = NULL;
        compare_clocks(doctor, began, now_seconds(CLOCK_REALTIME));
    } else {
        hd_error_set(&doctor->version_error, HD_INTERNAL, "%s does not answer as hyperdrived does; is this its address?",
                     doctor->address.url);
    }
    rest_answer_clear(&answer);
}

/* Children know the folder by the daemon's path; `told` NULL: by the one without links, as good as we can know. */
static void take_whole_path(struct doctor *doctor, const char *told)
{
    char *whole = told != NULL ? strdup(told) : doctor->folder != NULL ? realpath(doctor->folder, NULL) : NULL;

    if (whole != NULL) {
        free(doctor->folder);
        doctor->folder = whole;
    }
}

/* A folder of the same path may lie on the daemon's machine and on this one: only with its process too is it the daemon's. */
static void look_for_places(struct doctor *doctor)
{
    const char *told = member_text(doctor->version, "state_dir", NULL);
    double pid = member_count(doctor->version, "pid");
    struct stat theirs, ours;
    char path[64];

    if (doctor->client->arguments.value[OPTION_STATE_DIR] == NULL && doctor->address.folder == NULL && told != NULL) {
        free(doctor->folder);
        doctor->folder = strdup(told);
    }
    snprintf(path, sizeof(path), "/proc/%.0f", pid);
    doctor->local = told != NULL && doctor->folder != NULL && stat(told, &theirs) == 0 && stat(doctor->folder, &ours) == 0 &&
                    theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino && access(path, F_OK) == 0;
    doctor->pid = doctor->local ? (pid_t)pid : 0;
    take_whole_path(doctor, doctor->local ? told : NULL);
}

static int learn(struct doctor *doctor, struct hd_error *error)
{
    const struct arguments *arguments = &doctor->client->arguments;

    doctor->free_least = (arguments->value[OPTION_MIN_FREE] != NULL ? arguments->number[OPTION_MIN_FREE] : FREE_LEAST_MIB) * 1024 * 1024;
    doctor->folder = find_state_folder(arguments->value[OPTION_STATE_DIR]);
    if (doctor->folder == NULL) {
        return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    }
    if (find_daemon(arguments->value[OPTION_STATE_DIR], arguments->value[OPTION_URL], &doctor->address, &doctor->address_error) == 0) {
        ask_version(doctor);
    }
    look_for_places(doctor);
    return doctor->folder != NULL ? 0 : hd_error_set(error, HD_UNAVAILABLE, "memory is short");
}

/* --- What is said -----------------------------------------------------------------------------------------------------------------------
 */

static void add_json(struct hd_text *out, const char *name, const struct doctor_finding *finding)
{
    hd_text_format(out, "%s{\"check\":\"%s\",\"result\":\"%s\",\"message\":", out->length > 0 ? "," : "", name,
                   results[finding->result].name);
    hd_json_print_string(out, finding->message.data);
    hd_text_add_char(out, '}');
}

static void print_line(const struct output *output, const char *name, const struct doctor_finding *finding)
{
    static const char *const colours[] = {
        [TABLE_GOOD] = "\033[32m", [TABLE_BUSY] = "\033[33m", [TABLE_BAD] = "\033[31m", [TABLE_DIM] = "\033[2m"};
    struct hd_text clean = {0};

    table_add_clean(&clean, finding->message.data, 0);
    fprintf(output->file, "%s%-8s%s %-14s %s\n", output->colour ? colours[results[finding->result].style] : "",
            results[finding->result].name, output->colour ? "\033[0m" : "", name, clean.data != NULL ? clean.data : "");
    fflush(output->file); /* the next check may take a while */
    hd_text_clear(&clean);
}

static int examine(struct doctor *doctor, struct hd_error *error)
{
    const struct output *output = &doctor->client->output;
    bool json = doctor->client->arguments.value[OPTION_JSON] != NULL;
    int count[DOCTOR_RESULTS] = {0};
    struct hd_text list = {0};

    for (size_t i = 0; i < CHECKS; i++) {
        struct doctor_finding finding = {.result = DOCTOR_UNKNOWN};

        checks[i].check(doctor, &finding);
        if (finding.message.data == NULL || finding.message.failed) {
            hd_text_clear(&finding.message);
            hd_text_clear(&list);
            return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
        }
        count[finding.result]++;
        if (json) {
            add_json(&list, checks[i].name, &finding);
        } else {
            print_line(output, checks[i].name, &finding);
        }
        hd_text_clear(&finding.message);
    }
    if (json) {
        fprintf(output->file, "{\"faults\":%d,\"warnings\":%d,\"unknown\":%d,\"checks\":[%s]}\n", count[DOCTOR_FAULT],
                count[DOCTOR_WARNING], count[DOCTOR_UNKNOWN], list.data != NULL ? list.data : "");
    }
    hd_text_clear(&list);
    return count[DOCTOR_FAULT] > 0 ? EXIT_FAULT : EXIT_OK;
}

int command_doctor(struct client *client, struct hd_error *error)
{
    struct doctor doctor = {.client = client};
    int result = learn(&doctor, error);

    if (result == 0) {
        result = examine(&doctor, error);
    }
    cJSON_Delete(doctor.version);
    address_clear(&doctor.address);
    free(doctor.folder);
    return result;
}
