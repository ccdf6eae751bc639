/* Checks of `hyperdrive doctor` that look at processes: what the daemon may use, and what runs that it does not know. */
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "doctor.h"

/* --- Limits -----------------------------------------------------------------------------------------------------------------------------
 */

/* The soft limit of a row of /proc/PID/limits; negative: unlimited, or not there. */
static long long soft_limit(const char *limits, const char *name)
{
    const char *row = strstr(limits, name);

    if (row == NULL) {
        return -1;
    }
    row += strlen(name);
    row += strspn(row, " ");
    return isdigit((unsigned char)*row) ? strtoll(row, NULL, 10) : -1;
}

/* Processes that the daemon's control group may still make; negative: no limit, or not known. */
static long long processes_left(pid_t pid)
{
    struct hd_text group = {0}, path = {0}, most = {0}, now = {0};
    char file[64];
    const char *line;
    long long left = -1;

    snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
    line = doctor_read(file, &group) && group.data != NULL ? strstr(group.data, "0::/") : NULL;
    if (line != NULL) {
        int length = (int)strcspn(line + 3, "\n");

        hd_text_format(&path, "/sys/fs/cgroup%.*s/pids.max", length, line + 3);
        if (!path.failed && doctor_read(path.data, &most) && most.length > 0 && isdigit((unsigned char)most.data[0])) {
            hd_text_clear(&path);
            hd_text_format(&path, "/sys/fs/cgroup%.*s/pids.current", length, line + 3);
            left = !path.failed && doctor_read(path.data, &now) && now.length > 0
                       ? strtoll(most.data, NULL, 10) - strtoll(now.data, NULL, 10)
                       : -1;
        }
    }
    hd_text_clear(&group);
    hd_text_clear(&path);
    hd_text_clear(&most);
    hd_text_clear(&now);
    return left;
}

void doctor_check_limits(struct doctor *doctor, struct doctor_finding *finding)
{
    enum { FILES_LEAST = 4096, PROCESSES_LEAST = 200 };
    struct hd_text limits = {0};
    char path[64];
    long long files, processes;

    snprintf(path, sizeof(path), "/proc/%d/limits", (int)doctor->pid);
    if (!doctor->local || !doctor_read(path, &limits) || limits.data == NULL) {
        doctor_found(finding, DOCTOR_UNKNOWN, "the daemon does not run on this machine, or is not to be looked at by this user");
        hd_text_clear(&limits);
        return;
    }
    files = soft_limit(limits.data, "Max open files");
    processes = processes_left(doctor->pid);
    hd_text_clear(&limits);
    if (files >= 0 && files < FILES_LEAST) {
        doctor_found(
            finding, DOCTOR_WARNING,
            "the daemon may open %lld files, which is few for many children and connections; raise its hard limit (LimitNOFILE=65536)",
            files);
    } else if (processes >= 0 && processes < PROCESSES_LEAST) {
        doctor_found(finding, DOCTOR_WARNING, "only %lld more processes may be made in the daemon's control group (TasksMax=infinity)",
                     processes);
    } else {
        doctor_found(finding, DOCTOR_OK, "%lld open files; processes: enough", files);
    }
}

/* --- Leftovers --------------------------------------------------------------------------------------------------------------------------
 */

struct leftovers {
    const struct doctor *doctor;
    int seen;          /* processes of this folder's runs */
    struct hd_text of; /* "PID of RUN, ..." that should not be */
    int wrong;
};

/* The run of this state folder that a process belongs to, owned by the caller; NULL: of none, or not to be seen. */
static char *run_of_process(const struct doctor *doctor, const char *pid)
{
    struct hd_text environment = {0};
    char path[64];
    const char *folder, *run;
    char *found = NULL;
    size_t length = strlen(doctor->folder);

    snprintf(path, sizeof(path), "/proc/%.20s/environ", pid);
    if (doctor_read(path, &environment) && environment.length > 0) {
        folder = doctor_variable(environment.data, environment.length, "HYPERDRIVE_RUN_DIR");
        run = doctor_variable(environment.data, environment.length, "HYPERDRIVE_RUN_ID");
        if (folder != NULL && run != NULL && strncmp(folder, doctor->folder, length) == 0 && strncmp(folder + length, "/runs/", 6) == 0) {
            found = strdup(run);
        }
    }
    hd_text_clear(&environment);
    return found;
}

/* What is wrong with a run that has processes: "which is Completed", or NULL. */
static const char *wrong_with(const struct doctor *doctor, const char *run)
{
    struct hd_text path = client_path("runs", run, "");
    struct rest_answer answer = {0};
    struct hd_error error = {0};
    int result = path.failed ? -HD_UNAVAILABLE : rest_get(doctor->client->rest, path.data, &answer, &error);
    const char *wrong = NULL;

    if (result == -HD_NOT_FOUND) {
        wrong = "which the daemon does not know";
    } else if (result == 0 && hd_status_ended(hd_status_parse(member_text(answer.json, "status", "")))) {
        wrong = "which has ended";
    }
    rest_answer_clear(&answer);
    hd_text_clear(&path);
    return wrong;
}

/* The run may have ended between the look at the process and the question: then the process is gone now. */
static void look_at(struct leftovers *leftovers, const char *pid)
{
    enum { NAMED = 5 };
    char *run = run_of_process(leftovers->doctor, pid), *again;
    const char *wrong;

    if (run == NULL) {
        return;
    }
    leftovers->seen++;
    wrong = leftovers->doctor->version != NULL ? wrong_with(leftovers->doctor, run) : NULL;
    again = wrong != NULL ? run_of_process(leftovers->doctor, pid) : NULL;
    if (again != NULL) {
        leftovers->wrong++;
        if (leftovers->wrong <= NAMED) {
            hd_text_format(&leftovers->of, "%s%s of run %s, %s", leftovers->wrong > 1 ? "; " : "", pid, run, wrong);
        }
    }
    free(again);
    free(run);
}

static void tell(const struct leftovers *leftovers, struct doctor_finding *finding)
{
    if (leftovers->wrong > 0) {
        doctor_found(finding, DOCTOR_FAULT, "%d process%s left that should have ended, end %s by kill: %s", leftovers->wrong,
                     leftovers->wrong > 1 ? "es are" : " is", leftovers->wrong > 1 ? "them" : "it",
                     leftovers->of.data != NULL ? leftovers->of.data : "");
    } else if (leftovers->doctor->version == NULL) {
        doctor_found(finding, DOCTOR_UNKNOWN, "the daemon does not answer; %d processes of its runs go on, the next start takes them up",
                     leftovers->seen);
    } else {
        doctor_found(finding, DOCTOR_OK, "no process of a run that has ended (of %d that this user can see)", leftovers->seen);
    }
}

void doctor_check_leftovers(struct doctor *doctor, struct doctor_finding *finding)
{
    struct leftovers leftovers = {.doctor = doctor};
    const struct dirent *entry;
    DIR *processes = doctor->local || doctor->version == NULL ? opendir("/proc") : NULL;

    if (processes == NULL) {
        doctor_found(finding, DOCTOR_UNKNOWN, "the daemon's processes are not on this machine");
        return;
    }
    while ((entry = readdir(processes)) != NULL) {
        if (isdigit((unsigned char)entry->d_name[0])) {
            look_at(&leftovers, entry->d_name);
        }
    }
    closedir(processes);
    tell(&leftovers, finding);
    hd_text_clear(&leftovers.of);
}
