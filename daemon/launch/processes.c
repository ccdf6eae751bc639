#include "processes.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel_file.h"

bool process_list_has(const struct process_list *list, pid_t pid)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->pids[i] == pid)
            return true;
    }
    return false;
}

void process_list_clear(struct process_list *list)
{
    free(list->pids);
    *list = (struct process_list){0};
}

static void append(struct process_list *list, pid_t pid)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
        pid_t *pids = reallocarray(list->pids, capacity, sizeof *pids);
        if (pids == NULL) {
            list->failed = true;
            return;
        }
        list->pids = pids;
        list->capacity = capacity;
    }
    list->pids[list->count++] = pid;
}

void process_list_add(struct process_list *list, pid_t pid)
{
    if (!process_list_has(list, pid))
        append(list, pid);
}

/* The number that a folder of /proc is called; 0 if it is none. */
static pid_t process_number(const char *name)
{
    char *end;
    long number = strtol(name, &end, 10);
    return *end == '\0' && number > 0 ? (pid_t)number : 0;
}

static int add_children_of_task(struct process_list *list, pid_t process, pid_t task)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)process, (int)task);
    struct hd_text text = {0};
    int result = kernel_file_read(path, &text);
    char *saved = NULL;
    for (char *word = result == 0 && text.data != NULL ? strtok_r(text.data, " ", &saved) : NULL; word != NULL;
         word = strtok_r(NULL, " ", &saved)) {
        pid_t child = process_number(word);
        if (child > 0)
            process_list_add(list, child);
    }
    hd_text_clear(&text);
    return result;
}

static void add_children(struct process_list *list, pid_t process)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    DIR *tasks = opendir(path);
    if (tasks == NULL) {
        list->failed = list->failed || (errno != ENOENT && errno != ESRCH);
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(tasks)) != NULL) {
        pid_t task = process_number(entry->d_name);
        if (task > 0 && add_children_of_task(list, process, task) == -ENOMEM)
            list->failed = true;
    }
    closedir(tasks);
}

/* Fields 3 and 4 of /proc/PID/stat. False if it is gone. */
static bool read_stat(pid_t process, char *ret_state, pid_t *ret_parent)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    struct hd_text text = {0};
    /* The command's name may itself have spaces and parentheses: the fields begin behind the last one. */
    char *fields = kernel_file_read(path, &text) == 0 && text.data != NULL ? strrchr(text.data, ')') : NULL;
    bool found = fields != NULL && sscanf(fields, ") %c %d", ret_state, ret_parent) == 2;
    hd_text_clear(&text);
    return found;
}

pid_t processes_parent(pid_t process)
{
    char state;
    pid_t parent;
    return read_stat(process, &state, &parent) ? parent : 0;
}

bool processes_is_stopped(pid_t process)
{
    char state;
    pid_t parent;
    return read_stat(process, &state, &parent) && state == 'T';
}

/* For kernels without CONFIG_PROC_CHILDREN: goes through all processes until a round finds no new descendant. */
static void add_by_parents(struct process_list *list, pid_t root)
{
    size_t before;
    do {
        before = list->count;
        DIR *all = opendir("/proc");
        if (all == NULL) {
            list->failed = true;
            return;
        }
        struct dirent *entry;
        while ((entry = readdir(all)) != NULL) {
            pid_t process = process_number(entry->d_name);
            pid_t parent = process > 0 ? processes_parent(process) : 0;
            if (parent > 0 && (parent == root || process_list_has(list, parent)))
                process_list_add(list, process);
        }
        closedir(all);
    } while (list->count > before);
}

void processes_add_descendants(struct process_list *list, pid_t root)
{
    if (access("/proc/thread-self/children", F_OK) < 0) {
        add_by_parents(list, root);
        return;
    }
    add_children(list, root);
    for (size_t i = 0; i < list->count; i++)
        add_children(list, list->pids[i]);
}

/* Is it one of the strings of a file like /proc/PID/environ? */
static bool file_has(const char *path, const char *entry)
{
    struct hd_text text = {0};
    bool found = false;
    if (kernel_file_read(path, &text) == 0 && text.data != NULL) {
        for (const char *at = text.data; !found && at < text.data + text.length; at += strlen(at) + 1)
            found = strcmp(at, entry) == 0;
    }
    hd_text_clear(&text);
    return found;
}

/* Each thread is asked: the memory of a main thread that has ended before the others is not there any more. */
static bool has_variable(pid_t process, const char *entry)
{
    char path[320];
    snprintf(path, sizeof path, "/proc/%d/environ", (int)process);
    if (file_has(path, entry))
        return true;
    snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    DIR *tasks = opendir(path);
    struct dirent *task;
    bool found = false;
    while (tasks != NULL && !found && (task = readdir(tasks)) != NULL) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/environ", (int)process, task->d_name);
        found = process_number(task->d_name) != process && file_has(path, entry);
    }
    if (tasks != NULL)
        closedir(tasks);
    return found;
}

/* Root starts programs as other users, too. */
static bool is_own(pid_t process)
{
    char path[64];
    struct stat info;
    snprintf(path, sizeof path, "/proc/%d", (int)process);
    return stat(path, &info) == 0 && (info.st_uid == geteuid() || geteuid() == 0);
}

bool processes_is_marked(pid_t process, const char *entry)
{
    return is_own(process) && has_variable(process, entry);
}

void processes_add_marked(struct process_list *list, const char *entry)
{
    DIR *all = opendir("/proc");
    struct dirent *name;
    list->failed = list->failed || all == NULL;
    while (all != NULL && (name = readdir(all)) != NULL) {
        pid_t process = process_number(name->d_name);
        if (process > 0 && process != getpid() && processes_is_marked(process, entry))
            append(list, process);
    }
    if (all != NULL)
        closedir(all);
}
