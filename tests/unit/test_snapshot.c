/* Snapshots: what is left out, what is refused, what comes out. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch/ignore.h"
#include "launch/path.h"
#include "launch/snapshot.h"

enum { PATH_SIZE = 1024, PLENTY = 1000000 };

static char home[256];
static char source[512];
static char target[768];
static struct hd_error error;

static void set_up(void)
{
    snprintf(home, sizeof home, "%s/hd-snapshot-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(home));
    snprintf(source, sizeof source, "%s/source", home);
    snprintf(target, sizeof target, "%s/state/snapshots/s", home);
    ck_assert_int_eq(mkdir(source, 0755), 0);
    error = (struct hd_error){0};
}

static void tear_down(void)
{
    struct stat info;
    ck_assert_int_eq(snapshot_remove(home, NULL), 0);
    ck_assert_int_eq(stat(home, &info), -1);
}

/* Makes a file (or a folder, if the name ends in a slash) below the source, with the folders that it needs. */
static void put(const char *name, const char *text)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", source, name);
    for (char *slash = path + strlen(source) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    if (name[strlen(name) - 1] == '/')
        return;
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

static bool look_at(const char *name, struct stat *info)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", target, name);
    return lstat(path, info) == 0;
}

static bool is_there(const char *name)
{
    struct stat info;
    return look_at(name, &info);
}

static void take(void)
{
    int result = snapshot_take(source, target, PLENTY, NULL, &error);
    ck_assert_msg(result == 0, "%s", error.message);
}

/* `message` is what follows the quoted path of `name` in the source. */
static void expect_refusal(int64_t limit, const char *name, const char *message)
{
    ck_assert_int_eq(snapshot_take(source, target, limit, NULL, &error), -HD_INVALID);
    ck_assert_int_eq(error.code, HD_INVALID);
    ck_assert_str_eq(error.target, "run_config.source_directory");
    char expected[2 * PATH_SIZE];
    snprintf(expected, sizeof expected, "'run_config.source_directory': '%s/%s' %s", source, name, message);
    ck_assert_str_eq(error.message, expected);
    struct stat info;
    ck_assert_int_eq(lstat(target, &info), -1);
    char partial[PATH_SIZE];
    snprintf(partial, sizeof partial, "%s.partial", target);
    ck_assert_int_eq(lstat(partial, &info), -1);
}

/* Patterns, each as git check-ignore answers. */

static const struct {
    const char *patterns, *path;
    bool is_folder, left_out;
} cases[] = {
    {"", "a", false, false},
    {"a", "a", false, true},
    {"a", "ab", false, false},
    {"a", "b/a", false, true},
    {"a\n", "c/b/a", true, true},
    {"#a", "#a", false, false},
    {"\\#a", "#a", false, true},
    {"\\!a", "!a", false, true},
    {"a\r\nb\r\n", "a", false, true},
    {"\xEF\xBB\xBF"
     "a",
     "a", false, true},
    {"a  ", "a", false, true},
    {"a\\ ", "a ", false, true},
    {"a\\ ", "a", false, false},
    {"/", "a", false, false},
    /* folders only */
    {"data/", "data", true, true},
    {"data/", "data", false, false},
    {"data/", "x/data", true, true},
    /* from the root */
    {"/a", "a", false, true},
    {"/a", "b/a", false, false},
    {"b/a", "b/a", false, true},
    {"b/a", "c/b/a", false, false},
    {"b/a/", "b/a", true, true},
    /* stars */
    {"*.pyc", "a.pyc", false, true},
    {"*.pyc", "x/y/a.pyc", false, true},
    {"*.pyc", "a.py", false, false},
    {"/*.txt", "a.txt", false, true},
    {"/*.txt", "x/a.txt", false, false},
    {"x/*.txt", "x/y/a.txt", false, false},
    {"x/*/a", "x/y/a", false, true},
    {"x/*/a", "x/y/z/a", false, false},
    {"*", ".hidden", false, true},
    {"a*b*c", "aXbYc", false, true},
    {"a*b*c", "aXbY", false, false},
    {"?.c", "a.c", false, true},
    {"?.c", "ab.c", false, false},
    {"x?y", "x/y", false, false},
    /* double stars */
    {"**/a", "a", false, true},
    {"**/a", "x/y/a", false, true},
    {"**/a", "x/ya", false, false},
    {"**/b/a", "x/b/a", false, true},
    {"x/**", "x/y", false, true},
    {"x/**", "x/y/z", false, true},
    {"x/**", "x", true, false},
    {"x/**/a", "x/a", false, true},
    {"x/**/a", "x/y/z/a", false, true},
    {"x/**/a", "x/ba", false, false},
    {"x/**/a", "xa", false, false},
    {"a**b", "aXXb", false, true},
    {"**", "a", false, true},
    /* classes */
    {"[ab]", "b", false, true},
    {"[ab]", "c", false, false},
    {"[a-c]x", "bx", false, true},
    {"[!a-c]x", "bx", false, false},
    {"[^a-c]x", "dx", false, true},
    {"[]]", "]", false, true},
    {"[a-]", "-", false, true},
    {"[\\]]", "]", false, true},
    {"x[!a]y", "x/y", false, false},
    {"[ab", "[ab", false, true},
    {"[0-9][0-9]", "42", true, true},
    /* the last one decides */
    {"*.txt\n!keep.txt", "keep.txt", false, false},
    {"*.txt\n!keep.txt", "lose.txt", false, true},
    {"!a\na", "a", false, true},
    {"*.txt\n!keep.txt\nkeep.txt", "x/keep.txt", false, true},
};

START_TEST(pattern_decides)
{
    struct ignore *ignore = ignore_open(cases[_i].patterns, strlen(cases[_i].patterns));
    ck_assert_ptr_nonnull(ignore);
    bool left_out = ignore_matches(ignore, cases[_i].path, cases[_i].is_folder);
    ck_assert_msg(left_out == cases[_i].left_out, "'%s' on '%s' says %d", cases[_i].patterns, cases[_i].path, left_out);
    ignore_close(ignore);
}
END_TEST

/* A matcher that tries all ways would still be at it tomorrow. */
START_TEST(nasty_pattern_is_fast)
{
    char pattern[256] = "", path[256] = "";
    for (int i = 0; i < 40; i++)
        strcat(pattern, "a*");
    strcat(pattern, "b");
    memset(path, 'a', 200);
    struct ignore *ignore = ignore_open(pattern, strlen(pattern));
    ck_assert(!ignore_matches(ignore, path, false));
    ignore_close(ignore);
}
END_TEST

START_TEST(path_is_joined)
{
    static const struct {
        const char *base, *path, *joined;
    } joins[] = {
        {"/a/b", "c", "/a/b/c"},
        {"/a/b", "../c", "/a/c"},
        {"/a/b", "../../../c", "/c"},
        {"/a/b", "./c//d/.", "/a/b/c/d"},
        {"/a/b", "/x/y", "/x/y"},
        {"/a/b", "../..", "/"},
        {"/a", "", "/a"},
    };
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        char joined[64];
        ck_assert_int_eq(path_join(joins[i].base, joins[i].path, joined, sizeof joined), 0);
        ck_assert_str_eq(joined, joins[i].joined);
    }
    char small[8];
    ck_assert_int_eq(path_join("/a/b", "cccccccc", small, sizeof small), -ENAMETOOLONG);
    ck_assert(path_is_below("/a/b", "/a") && path_is_below("/a", "/a") && path_is_below("/a", "/") && !path_is_below("/ab", "/a"));
}
END_TEST

/* What comes out */

START_TEST(content_mode_and_time_are_kept)
{
    put("train.py", "print(1)\n");
    put("code/run.sh", "#!/bin/sh\n");
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/code/run.sh", source);
    ck_assert_int_eq(chmod(path, 0750), 0);
    struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000, .tv_nsec = 3}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    take();
    struct stat info;
    ck_assert(look_at("code/run.sh", &info));
    ck_assert_uint_eq(info.st_mode & 07777, 0550);
    ck_assert_int_eq(info.st_size, 10);
    ck_assert_int_eq(info.st_mtim.tv_sec, 2000);
    ck_assert_int_eq(info.st_mtim.tv_nsec, 3);
    ck_assert(look_at("code", &info));
    ck_assert_uint_eq(info.st_mode & 0222, 0);
    ck_assert(look_at("", &info));
    ck_assert_uint_eq(info.st_mode & 0222, 0);
    char text[32] = "";
    snprintf(path, sizeof path, "%s/train.py", target);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(text, 1, sizeof text - 1, file), 9);
    fclose(file);
    ck_assert_str_eq(text, "print(1)\n");
}
END_TEST

START_TEST(ignore_files_are_obeyed)
{
    put(".gitignore", "*.log\n");
    put("a.log", "");
    put("a.txt", "");
    put(".git/config", "");
    put("sub/.git/config", "");
    put("data/big", "");
    take();
    ck_assert(!is_there("a.log"));
    ck_assert(is_there("a.txt") && is_there("data/big") && is_there(".gitignore"));
    ck_assert(!is_there(".git") && !is_there("sub/.git") && is_there("sub"));
    /* .amlignore replaces .gitignore, it does not add to it */
    put(".amlignore", "data/\n");
    ck_assert_int_eq(snapshot_remove(target, &error), 0);
    take();
    ck_assert(is_there("a.log") && !is_there("data") && !is_there(".git"));
}
END_TEST

static void expect_link(const char *name, const char *expected)
{
    char path[PATH_SIZE], found[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", target, name);
    ssize_t length = readlink(path, found, sizeof found - 1);
    ck_assert_msg(length >= 0, "%s is no link", name);
    found[length] = '\0';
    ck_assert_str_eq(found, expected);
}

START_TEST(links_stay_links)
{
    char path[PATH_SIZE], absolute[PATH_SIZE], outside[PATH_SIZE];
    put("code/a.py", "x");
    put("deep/er/b", "x");
    snprintf(absolute, sizeof absolute, "%s/code/a.py", source);
    snprintf(outside, sizeof outside, "%s/elsewhere", home);
    struct {
        const char *name, *points_to, *expected;
    } links[] = {
        {"inside", "code/a.py", "code/a.py"}, {"deep/up", "../code", "../code"},    {"deep/er/absolute", absolute, "../../code/a.py"},
        {"deep/er/root", source, "../../."},  {"outside", "../elsewhere", outside}, {"far", "/usr/share", "/usr/share"},
        {"broken", "nothing", "nothing"},
    };
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        snprintf(path, sizeof path, "%s/%s", source, links[i].name);
        ck_assert_int_eq(symlink(links[i].points_to, path), 0);
    }
    take();
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        expect_link(links[i].name, links[i].expected);
}
END_TEST

/* What is refused */

START_TEST(size_is_limited)
{
    char text[3001];
    memset(text, 'x', sizeof text - 1);
    text[3000] = '\0';
    put("data/one", text);
    put("data/two", text);
    put("model", text);
    put("train.py", "x");
    put("e", "ee");
    put("f", "fff");
    put("g", "gggg");
    ck_assert_int_eq(snapshot_take(source, target, 9009, NULL, &error), -HD_INVALID);
    char expected[2 * PATH_SIZE];
    snprintf(
        expected, sizeof expected,
        "'run_config.source_directory': a snapshot of '%s' has 0.0 MB (9010 bytes), above the limit of 0.0 MB; largest: 'data' 0.0 MB, "
        "'model' 0.0 MB, 'g' 0.0 MB, 'f' 0.0 MB, 'e' 0.0 MB; name in .amlignore what the runs do not need, or set 'snapshot' to false",
        source);
    ck_assert_str_eq(error.message, expected);
    ck_assert(!is_there(""));
    ck_assert_int_eq(snapshot_take(source, target, 9010, NULL, &error), 0);
}
END_TEST

START_TEST(missing_folder_is_refused)
{
    ck_assert_int_eq(snapshot_take("/nowhere/at/all", target, PLENTY, NULL, &error), -HD_INVALID);
    ck_assert_str_eq(error.message, "'run_config.source_directory': no such directory: /nowhere/at/all");
    ck_assert_str_eq(error.target, "run_config.source_directory");
    ck_assert_int_eq(snapshot_take("/etc/passwd", target, PLENTY, NULL, &error), -HD_INVALID);
    ck_assert_str_eq(error.message, "'run_config.source_directory': no such directory: /etc/passwd");
}
END_TEST

START_TEST(special_file_is_refused)
{
    char path[PATH_SIZE];
    put("sub/a", "");
    snprintf(path, sizeof path, "%s/sub/pipe", source);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    expect_refusal(PLENTY, "sub/pipe", "is neither file, folder nor link; remove it, or name it in .amlignore");
    put(".amlignore", "pipe\n");
    take();
    ck_assert(is_there("sub/a") && !is_there("sub/pipe"));
}
END_TEST

#define IS_RESERVED  "has a name that the run folder needs for itself; rename it, or name it in .amlignore"
#define IS_NO_FOLDER "must be a folder, because every run has one of this name; rename it, or name it in .amlignore"

static const struct {
    const char *name, *message;
} reserved[] = {
    {"lock", IS_RESERVED},  {"started.1", IS_RESERVED}, {"exit.12.tmp", IS_RESERVED},           {"launch.json", IS_RESERVED},
    {"logs", IS_NO_FOLDER}, {"outputs", IS_NO_FOLDER},  {"user_logs/std_log.txt", IS_RESERVED},
};

START_TEST(name_of_the_run_folder_is_refused)
{
    put(reserved[_i].name, "");
    expect_refusal(PLENTY, reserved[_i].name, reserved[_i].message);
}
END_TEST

START_TEST(such_names_below_are_fine)
{
    put("sub/lock", "");
    put("sub/launch.json", "");
    put("outputs/seed", "");
    put("exit.strategy", "");
    take();
    ck_assert(is_there("sub/lock") && is_there("sub/launch.json") && is_there("outputs/seed") && is_there("exit.strategy"));
}
END_TEST

/* A state folder inside the source folder would be copied into itself. */
START_TEST(own_state_folder_is_refused)
{
    put("train.py", "x");
    snprintf(target, sizeof target, "%s/state/snapshots/s", source);
    expect_refusal(PLENTY, "state/snapshots", "is where the daemon keeps its snapshots; name its state folder in .amlignore");
    put(".amlignore", "/state/\n");
    take();
    ck_assert(is_there("train.py") && !is_there("state"));
}
END_TEST

START_TEST(what_a_crash_left_is_replaced)
{
    char command[4 * PATH_SIZE];
    snprintf(command, sizeof command, "mkdir -p %s.partial/old && touch %s.partial/old/file && chmod 500 %s.partial/old", target, target,
             target);
    ck_assert_int_eq(system(command), 0);
    put("new", "x");
    take();
    ck_assert(is_there("new") && !is_there("old"));
    ck_assert_int_lt(snapshot_take(source, target, PLENTY, NULL, &error), 0); /* exists */
    ck_assert(is_there("new"));
}
END_TEST

START_TEST(missing_tree_is_removed_gladly)
{
    ck_assert_int_eq(snapshot_remove("/nowhere/at/all", &error), 0);
    ck_assert_int_eq(snapshot_remove(target, &error), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("snapshot");
    TCase *tests = tcase_create("snapshot");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, pattern_decides, 0, sizeof cases / sizeof *cases);
    tcase_add_test(tests, nasty_pattern_is_fast);
    tcase_add_test(tests, path_is_joined);
    tcase_add_test(tests, content_mode_and_time_are_kept);
    tcase_add_test(tests, ignore_files_are_obeyed);
    tcase_add_test(tests, links_stay_links);
    tcase_add_test(tests, size_is_limited);
    tcase_add_test(tests, missing_folder_is_refused);
    tcase_add_test(tests, special_file_is_refused);
    tcase_add_loop_test(tests, name_of_the_run_folder_is_refused, 0, sizeof reserved / sizeof *reserved);
    tcase_add_test(tests, such_names_below_are_fine);
    tcase_add_test(tests, own_state_folder_is_refused);
    tcase_add_test(tests, what_a_crash_left_is_replaced);
    tcase_add_test(tests, missing_tree_is_removed_gladly);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
