/* Checks of `hyperdrive doctor` that ask the daemon. */
#include <math.h>
#include <string.h>

#include "doctor.h"

enum { DEVICES_PATIENCE_MS = 10000 };

static const char silent[] = "the daemon does not answer";

void doctor_check_address(struct doctor *doctor, struct doctor_finding *finding)
{
    if (doctor->address.url == NULL) {
        doctor_found(finding, DOCTOR_FAULT, "%s", doctor->address_error.message);
    } else {
        doctor_found(finding, DOCTOR_OK, "%s, from %s", doctor->address.url, doctor->address.source);
    }
}

void doctor_check_reachable(struct doctor *doctor, struct doctor_finding *finding)
{
    enum hd_code code = doctor->version_error.code;

    if (doctor->address.url == NULL) {
        doctor_found(finding, DOCTOR_UNKNOWN, "no address to ask at");
    } else if (code == HD_UNAVAILABLE || code == HD_TIMEOUT || code == HD_INTERNAL) {
        doctor_found(finding, DOCTOR_FAULT, "%s", doctor->version_error.message);
    } else {
        doctor_found(finding, DOCTOR_OK, "answers%s",
                     doctor->version != NULL && !doctor->local ? "; it runs on another machine, or with another state folder" : "");
    }
}

void doctor_check_token(struct doctor *doctor, struct doctor_finding *finding)
{
    enum hd_code code = doctor->version_error.code;

    const char *who = member_text(doctor->version, "asked_by", "owner");

    if (doctor->version != NULL && strcmp(who, "owner") == 0) {
        doctor_found(finding, DOCTOR_OK, "is the owner's");
    } else if (doctor->version != NULL) {
        doctor_found(finding, DOCTOR_OK, "%s, with the role %s", who, member_text(doctor->version, "role", ""));
    } else if (code == HD_UNAUTHORIZED && doctor->address.folder != NULL) {
        doctor_found(finding, DOCTOR_FAULT,
                     "the daemon at %s refuses the token of %s/token: another daemon answers there, or the file is not the one it started "
                     "with; restart the daemon of this folder",
                     doctor->address.url, doctor->address.folder);
    } else if (code == HD_UNAUTHORIZED || code == HD_FORBIDDEN) {
        doctor_found(finding, DOCTOR_FAULT, "%s; the owner's token lies in the daemon's state folder, in the file 'token'",
                     doctor->version_error.message);
    } else {
        doctor_found(finding, DOCTOR_UNKNOWN, "%s", silent);
    }
}

void doctor_check_version(struct doctor *doctor, struct doctor_finding *finding)
{
    const char *version = member_text(doctor->version, "version", NULL);

    if (version == NULL) {
        doctor_found(finding, DOCTOR_UNKNOWN, "the daemon did not tell its version");
    } else if (strcmp(version, HD_VERSION) != 0) {
        doctor_found(finding, DOCTOR_WARNING,
                     "the daemon is %s, this command %s; install the same, and restart the daemon (children go on)", version, HD_VERSION);
    } else {
        doctor_found(finding, DOCTOR_OK, "%s, as this command", version);
    }
}

/* The daemon's own word: whoever opens the file beside it gets in its way. */
void doctor_check_database(struct doctor *doctor, struct doctor_finding *finding)
{
    struct rest_answer answer = {0};
    struct hd_error error = {0};

    if (doctor->version == NULL && doctor_database_is_gone(doctor, finding)) {
        return;
    }
    if (doctor->version == NULL) {
        doctor_found(finding, DOCTOR_UNKNOWN, "the daemon did not tell; nobody else should open its database");
        return;
    }
    if (rest_get(doctor->client->rest, "/sweeps?limit=1", &answer, &error) < 0) {
        doctor_found(finding, DOCTOR_FAULT, "the daemon cannot read it: %s", error.message);
    } else if (rest_get_root(doctor->client->rest, "/readyz", &error) < 0) {
        doctor_found(finding, DOCTOR_FAULT, "the daemon is not ready: %s", error.message);
    } else {
        doctor_found(finding, DOCTOR_OK, "schema %.0f, can be read and written", member_count(member(doctor->version, "store"), "schema"));
    }
    rest_answer_clear(&answer);
}

void doctor_check_clock(struct doctor *doctor, struct doctor_finding *finding)
{
    enum { TOLERATED_SECONDS = 2 };

    if (doctor->version == NULL) {
        doctor_found(finding, DOCTOR_UNKNOWN, "the daemon did not tell its time");
    } else if (fabs(doctor->ahead) > TOLERATED_SECONDS + doctor->uncertainty) {
        doctor_found(finding, DOCTOR_WARNING, "the daemon's clock is %.0f s %s of this one; let both machines keep time by NTP",
                     fabs(doctor->ahead), doctor->ahead > 0 ? "ahead" : "behind");
    } else {
        doctor_found(finding, DOCTOR_OK, "the same time here and there");
    }
}

/* GPUs in a state of this name, or with NULL in any. */
static int count_gpus(const cJSON *devices, const char *state)
{
    const cJSON *device;
    int count = 0;

    cJSON_ArrayForEach(device, devices)
    {
        count +=
            strcmp(member_text(device, "kind", ""), "gpu") == 0 && (state == NULL || strcmp(member_text(device, "state", ""), state) == 0);
    }
    return count;
}

/* The daemon says itself what it found and does not hand out, and why. */
void doctor_check_devices(struct doctor *doctor, struct doctor_finding *finding)
{
    struct rest_request request = {.path = "/devices", .timeout_ms = DEVICES_PATIENCE_MS};
    struct rest_answer answer = {0};
    struct hd_error error = {0};
    const cJSON *devices;
    const char *note;

    if (doctor->version == NULL) {
        doctor_found(finding, DOCTOR_UNKNOWN, "the daemon did not tell what it hands out");
        return;
    }
    if (rest_call(doctor->client->rest, &request, &answer, &error) < 0 || !cJSON_IsArray(member(answer.json, "devices"))) {
        doctor_found(finding, DOCTOR_UNKNOWN, "%s", error.message[0] != '\0' ? error.message : "the daemon did not tell what it hands out");
        rest_answer_clear(&answer);
        return;
    }
    devices = member(answer.json, "devices");
    note = cJSON_GetStringValue(cJSON_GetArrayItem(member(answer.json, "notes"), 0));
    if (count_gpus(devices, "missing") > 0) {
        doctor_found(finding, DOCTOR_WARNING, "%d GPUs that were there before are not found any more; see: hyperdrive devices",
                     count_gpus(devices, "missing"));
    } else if (note != NULL) {
        doctor_found(finding, DOCTOR_WARNING, "%s (setting gpus; see: hyperdrive devices)", note);
    } else {
        doctor_found(finding, DOCTOR_OK, "%d GPUs, of which %d are drained; %g places for children", count_gpus(devices, NULL),
                     count_gpus(devices, "drained"), member_count(member(answer.json, "slots"), "total"));
    }
    rest_answer_clear(&answer);
}

/* A machine without control groups is none that is broken: sweeps with limits are refused when they are submitted. */
void doctor_check_run_limits(struct doctor *doctor, struct doctor_finding *finding)
{
    struct rest_request request = {.path = "/devices", .timeout_ms = DEVICES_PATIENCE_MS};
    struct rest_answer answer = {0};
    struct hd_error error = {0};
    const char *reason;

    if (doctor->version == NULL || rest_call(doctor->client->rest, &request, &answer, &error) < 0 ||
        member(answer.json, "no_limits") == NULL) {
        doctor_found(finding, DOCTOR_UNKNOWN, "the daemon did not tell whether it can hold children to limits");
        rest_answer_clear(&answer);
        return;
    }
    reason = member_text(answer.json, "no_limits", NULL);
    if (reason != NULL) {
        doctor_found(finding, DOCTOR_OK, "none to be had: sweeps with memory_limit_mb, process_limit or cpu_limit are refused, since %s",
                     reason);
    } else {
        doctor_found(finding, DOCTOR_OK, "children can be held to memory_limit_mb, process_limit and cpu_limit");
    }
    rest_answer_clear(&answer);
}
