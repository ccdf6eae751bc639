#include "log_list.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json.h"
#include "core/utf8.h"
#include "launch/run_logs.h"
#include "log_file.h"

enum { FILES_LIMIT = 10000, DEPTH_LIMIT = 16 };

struct list {
    struct hd_text *text;
    int files;
    bool truncated; /* there are more files, or folders too deep to be looked at */
};

static int64_t find_kept(int folder, const char *entry, const char *name, int64_t size)
{
    int file = openat(folder, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int64_t from = file >= 0 ? log_file_kept_from(name, file, size) : 0;

    if (file >= 0)
        (void)close(file);
    return from;
}

static void print_file(struct list *list, const char *name, int64_t size, int64_t kept_from)
{
    if (list->files == FILES_LIMIT) {
        list->truncated = true;
        return;
    }
    hd_text_add_string(list->text, list->files++ == 0 ? "{\"name\":" : ",{\"name\":");
    hd_json_print_string(list->text, name);
    hd_text_format(list->text, ",\"size\":%" PRId64 ",\"kept_from\":%" PRId64 "}", size, kept_from);
}

static void print_folder(struct list *list, int file, const char *name, int depth);

/* `name` is that of the folder that `file` is. Links are passed over, and what no request can name. */
static void print_entry(struct list *list, int file, const char *name, const char *entry, int depth)
{
    struct hd_text path = {0};
    struct stat status;

    if (!hd_utf8_valid(entry) || fstatat(file, entry, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    hd_text_format(&path, "%s/%s", name, entry);
    if (path.failed)
        list->text->failed = true;
    else if (S_ISREG(status.st_mode))
        print_file(list, path.data, status.st_size, find_kept(file, entry, path.data, status.st_size));
    else if (S_ISDIR(status.st_mode))
        print_folder(list, openat(file, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), path.data, depth + 1);
    hd_text_clear(&path);
}

/* Closes `file`; -1 is a folder that is gone, or that may not be read. */
static void print_folder(struct list *list, int file, const char *name, int depth)
{
    DIR *folder = file >= 0 && depth < DEPTH_LIMIT ? fdopendir(file) : NULL;
    struct dirent *entry;

    list->truncated |= depth == DEPTH_LIMIT;
    if (folder == NULL) {
        if (file >= 0)
            (void)close(file);
        return;
    }
    while (!list->truncated && (entry = readdir(folder)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            print_entry(list, file, name, entry->d_name, depth);
    (void)closedir(folder);
}

void log_list_print(const char *run_folder, bool removed, struct hd_text *text)
{
    struct list list = {.text = text};

    hd_text_add_string(text, "{\"logs\":[");
    for (const char *const *name = run_log_folders; *name != NULL; name++)
        print_folder(&list, log_folder_open(run_folder, *name), *name, 0);
    hd_text_format(text, "],\"truncated\":%s,\"removed\":%s}", list.truncated ? "true" : "false", removed ? "true" : "false");
}
