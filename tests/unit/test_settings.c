#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings.h"

static char folder[] = "/tmp/hyperdrive-settings-XXXXXX";
static char file[64];

/* Every test is a process of its own with a folder of its own, which is also its home: no file of the machine is read. */
static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/test.conf", folder);
    ck_assert_int_eq(setenv("HOME", folder, 1), 0);
    ck_assert_int_eq(setenv("XDG_CONFIG_HOME", folder, 1), 0);
    ck_assert_int_eq(setenv("XDG_STATE_HOME", folder, 1), 0);
}

static void remove_folder(void)
{
    (void)unlink(file);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void write_file(const char *text, size_t length)
{
    FILE *stream = fopen(file, "w");
    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fwrite(text, 1, length, stream), length);
    ck_assert_int_eq(fclose(stream), 0);
}

/* Loads with `--config file` and up to three further arguments. */
static int load(struct settings *settings, struct hd_error *error, const char *first, const char *second, const char *third)
{
    static const char *arguments[7]; /* a reload reads them again */
    int count = 3;
    memcpy(arguments, (const char *[]){"hyperdrived", "--config", file, first, second, third, NULL}, sizeof arguments);
    while (arguments[count] != NULL)
        count++;
    return settings_load(settings, count, (char **)(void *)arguments, error);
}

static const struct {
    const char *text;
    const char *message; /* without the file's name in front */
} bad_files[] = {
    {"slots = 0\n", ":1: 'slots' must be auto or a whole number from 1 to 100000, got '0'"},
    {"\n# x\nslots = -1\n", ":3: 'slots' must be auto or a whole number from 1 to 100000, got '-1'"},
    {"slots = 4 \nslots = 4", ":2: 'slots' is given twice; the first one is in line 1"},
    {"slots = 99999999999999999999", ":1: 'slots' must be auto or a whole number from 1 to 100000, got '99999999999999999999'"},
    {"connections = 12 h", ":1: 'connections' must be a whole number from 4 to 1000000, got '12 h'"},
    {"slot = 4", ":1: there is no setting 'slot'; did you mean 'slots'?"},
    {"state-dir = /x", ":1: there is no setting 'state-dir'; did you mean 'state_dir'?"},
    {"frequency = 4", ":1: there is no setting 'frequency'; 'hyperdrived --help' lists them all"},
    {"[http]\n", ":1: there are no sections here; write lines 'name = value' without '[http]'"},
    {"slots 4", ":1: a line must be 'name = value', got 'slots 4'"},
    {"= 4", ":1: a line must be 'name = value', got '= 4'"},
    {"listen = 8700",
     ":1: 'listen' must be ADDRESS:PORT in numbers, such as 127.0.0.1:8700 or [::1]:8700, or unix: and an absolute path, got '8700'"},
    {"listen = ::1:8700",
     ":1: 'listen' must be ADDRESS:PORT in numbers, such as 127.0.0.1:8700 or [::1]:8700, or unix: and an absolute path, got '::1:8700'"},
    {"listen = 127.0.0.1:65536", ":1: 'listen' must be ADDRESS:PORT in numbers, such as 127.0.0.1:8700 or [::1]:8700, or unix: and an "
                                 "absolute path, got '127.0.0.1:65536'"},
    {"listen = [127.0.0.1]:1", ":1: 'listen' must be ADDRESS:PORT in numbers, such as 127.0.0.1:8700 or [::1]:8700, or unix: and an "
                               "absolute path, got '[127.0.0.1]:1'"},
    {"listen =",
     ":1: 'listen' must be ADDRESS:PORT in numbers, such as 127.0.0.1:8700 or [::1]:8700, or unix: and an absolute path, got ''"},
    {"stop_grace = 10", ":1: 'stop_grace' must be a whole number with a unit (us, ms, s, min, h, d) from 0 to 1 d, got '10'"},
    {"stop_grace = 25 h", ":1: 'stop_grace' must be a whole number with a unit (us, ms, s, min, h, d) from 0 to 1 d, got '25 h'"},
    {"header_timeout = 9223372036854775807 d",
     ":1: 'header_timeout' must be a whole number with a unit (us, ms, s, min, h, d) from 10 ms to 1 h, got '9223372036854775807 d'"},
    {"body_limit = 16 MIT",
     ":1: 'body_limit' must be a whole number with a unit (B, kB, MB, GB, KiB, MiB, GiB) from 1 KiB to 1 GiB, got '16 MIT'"},
    {"body_limit = 1.5 MiB",
     ":1: 'body_limit' must be a whole number with a unit (B, kB, MB, GB, KiB, MiB, GiB) from 1 KiB to 1 GiB, got '1.5 MiB'"},
    {"stop_children = perhaps", ":1: 'stop_children' must be yes or no, got 'perhaps'"},
    {"log_level = loud", ":1: 'log_level' must be one of error, warning, info, debug, got 'loud'"},
    {"monitor = bin/monitor", ":1: 'monitor' must be an absolute path, one that begins with '/', got 'bin/monitor'"},
    {"state_dir = /x # here", ":1: a comment needs a line of its own; put the value in double quotes if the '#' belongs to it"},
    {"state_dir = \"/x", ":1: a value in double quotes must end with the second of them, got '\"/x'"},
    {"state_dir = \"/x\" y\"", ":1: a value in double quotes must end with the second of them, got '\"/x\" y\"'"},
    {"environment_keep = PATH A-B",
     ":1: 'environment_keep' must be names of variables separated by spaces, or beginnings of names that end in '*', got 'A-B'"},
    {"gpus = MIG-5ab3-1", ":1: 'gpus': MIG instances cannot be handed out, got 'MIG-5ab3-1'"},
    {"gpus = 0, first", ":1: 'gpus' must be auto, none, or a list of positions (0, 1), UUIDs (GPU-...) and PCI addresses, got 'first'"},
    {"cgroup = yes", ":1: 'cgroup' must be auto, no, or the absolute path of a control group, got 'yes'"},
    {"gpus = ,", ":1: 'gpus' must be auto, none, or a list of positions (0, 1), UUIDs (GPU-...) and PCI addresses, got ','"},
    {"allowed_hosts = gpu1.lab:8700",
     ":1: 'allowed_hosts' must be names of this machine separated by spaces, without port, got 'gpu1.lab:8700'"},
    {"run_as_users = alice 1000", ":1: 'run_as_users' must be names of users separated by spaces, got '1000'"},
    {"listen = unix:socket", ":1: 'listen' must be ADDRESS:PORT in numbers, such as 127.0.0.1:8700 or [::1]:8700, or unix: and an absolute "
                             "path, got 'unix:socket'"},
    {"socket_access = alice:read bob:owner",
     ":1: 'socket_access' must be USER:ROLE, @GROUP:ROLE or *:ROLE, separated by spaces, with the roles read, submit and admin, got "
     "'bob:owner'"},
    {"socket_access = @:read",
     ":1: 'socket_access' must be USER:ROLE, @GROUP:ROLE or *:ROLE, separated by spaces, with the roles read, submit and admin, got "
     "'@:read'"},
    {"environment_keep = L*C",
     ":1: 'environment_keep' must be names of variables separated by spaces, or beginnings of names that end in '*', got 'L*C'"},
};

START_TEST(bad_line)
{
    struct settings settings;
    struct hd_error error = {0};
    char expected[HD_ERROR_MESSAGE_SIZE];
    write_file(bad_files[_i].text, strlen(bad_files[_i].text));
    ck_assert_int_eq(load(&settings, &error, NULL, NULL, NULL), -HD_INVALID);
    snprintf(expected, sizeof expected, "%s%s", file, bad_files[_i].message);
    ck_assert_str_eq(error.message, expected);
    ck_assert_ptr_null(settings.listen); /* nothing is left to free */
}
END_TEST

START_TEST(nul_in_line)
{
    struct settings settings;
    struct hd_error error = {0};
    char expected[HD_ERROR_MESSAGE_SIZE];
    write_file("slots = 4\nlog_level = info\0rmation\n", 35);
    ck_assert_int_eq(load(&settings, &error, NULL, NULL, NULL), -HD_INVALID);
    snprintf(expected, sizeof expected, "%s:2: the line has a NUL byte in it; is this a text file?", file);
    ck_assert_str_eq(error.message, expected);
}
END_TEST

START_TEST(good_lines)
{
    struct settings settings;
    struct hd_error error = {0};
    static const char text[] = "; another comment\r\n"
                               "  slots=AUTO\r\n"
                               "\tlisten = [::1]:0\n"
                               "state_dir = \"/srv/my sweeps #1\"\n"
                               "monitor = /opt/m\n"
                               "stop_grace = 1500ms\n"
                               "header_timeout = 1 min\n"
                               "stop_children = On\n"
                               "snapshot_limit = 2gib\n"
                               "write_queue = 64 MB\n"
                               "environment_keep = A, B_*\t*\n"
                               "allowed_hosts = gpu1 gpu1.lab.example, 10.1.2.3\n"
                               "socket_access = alice:admin, @students:submit *:read\n"
                               "gpus = 1, GPU-5ab3 0000:41:00.0\n"
                               "log_level = debug"; /* no end of line */
    write_file(text, sizeof text - 1);
    ck_assert_msg(load(&settings, &error, NULL, NULL, NULL) == 0, "%s", error.message);
    ck_assert_str_eq(settings.configuration_file, file);
    ck_assert_int_eq(settings.slots, 0);
    ck_assert_str_eq(settings.listen, "[::1]:0");
    ck_assert_str_eq(settings.state_dir, "/srv/my sweeps #1");
    ck_assert_str_eq(settings.monitor, "/opt/m");
    ck_assert_int_eq(settings.stop_grace_us, 1500000);
    ck_assert_int_eq(settings.header_timeout_us, 60000000);
    ck_assert(settings.stop_children);
    ck_assert_int_eq(settings.snapshot_limit, INT64_C(2) << 30);
    ck_assert_int_eq(settings.write_queue, 64000000);
    ck_assert_str_eq(settings.environment_keep[0], "A");
    ck_assert_str_eq(settings.environment_keep[1], "B_*");
    ck_assert_str_eq(settings.environment_keep[2], "*");
    ck_assert_ptr_null(settings.environment_keep[3]);
    ck_assert_str_eq(settings.allowed_hosts[0], "gpu1");
    ck_assert_str_eq(settings.allowed_hosts[1], "gpu1.lab.example");
    ck_assert_str_eq(settings.allowed_hosts[2], "10.1.2.3");
    ck_assert_ptr_null(settings.allowed_hosts[3]);
    ck_assert_str_eq(settings.socket_access[1], "@students:submit");
    ck_assert_ptr_null(settings.socket_access[3]);
    ck_assert_str_eq(settings.gpus, "1, GPU-5ab3 0000:41:00.0");
    ck_assert_int_eq(settings.log_level, 7);
    ck_assert_int_eq(settings.connections, 2048); /* untouched */
    settings_clear(&settings);
    settings_clear(&settings);
}
END_TEST

START_TEST(options_override_the_file)
{
    struct settings settings;
    struct hd_error error = {0};
    char expected[4096];
    write_file("slots = 3\nlisten = 127.0.0.1:1\n", 31);
    ck_assert_msg(load(&settings, &error, "--slots", "7", "--state-dir=here") == 0, "%s", error.message);
    ck_assert_int_eq(settings.slots, 7);
    ck_assert_str_eq(settings.listen, "127.0.0.1:1");
    ck_assert_ptr_nonnull(getcwd(expected, sizeof expected - 8));
    strcat(expected, "/here");
    ck_assert_str_eq(settings.state_dir, expected);
    settings_clear(&settings);
}
END_TEST

static const struct {
    const char *first, *second;
    const char *message;
} bad_options[] = {
    {"--slots", "none", "--slots must be auto or a whole number from 1 to 100000, got 'none'"},
    {"--slots", NULL, "the option '--slots' needs a value"},
    {"--stop_grace=3 s", NULL, "there is no option '--stop_grace=3 s'; did you mean '--stop-grace'?"},
    {"--listne", "127.0.0.1:0", "there is no option '--listne'; did you mean '--listen'?"},
    {"--slot", "3", "there is no option '--slot'; did you mean '--slots'?"}, /* no abbreviations */
    {"--stop-child=yes", NULL, "there is no option '--stop-child=yes'; did you mean '--stop-children'?"},
    {"--check", NULL, "there is no option '--check'; 'hyperdrived --help' lists them all"},
    {"--frequency=2", NULL, "there is no option '--frequency=2'; 'hyperdrived --help' lists them all"},
    {"-x", NULL, "there is no option '-x'; 'hyperdrived --help' lists them all"},
    {"start", NULL, "'start' is no option; every option begins with '--'"},
    {"--state-dir", "", "--state-dir must be an absolute path, one that begins with '/', got ''"},
};

START_TEST(bad_option)
{
    struct settings settings;
    struct hd_error error = {0};
    write_file("", 0);
    ck_assert_int_eq(load(&settings, &error, bad_options[_i].first, bad_options[_i].second, NULL), -HD_INVALID);
    ck_assert_str_eq(error.message, bad_options[_i].message);
}
END_TEST

START_TEST(missing_file)
{
    struct settings settings;
    struct hd_error error = {0};
    char expected[HD_ERROR_MESSAGE_SIZE];
    ck_assert_int_eq(load(&settings, &error, NULL, NULL, NULL), -HD_INVALID);
    snprintf(expected, sizeof expected, "%s: the configuration file cannot be opened: No such file or directory", file);
    ck_assert_str_eq(error.message, expected);
}
END_TEST

START_TEST(folder_as_file)
{
    struct settings settings;
    struct hd_error error = {0};
    char *arguments[] = {(char[]){"hyperdrived"}, (char[]){"--config"}, folder, NULL};
    char expected[HD_ERROR_MESSAGE_SIZE];
    ck_assert_int_eq(settings_load(&settings, 3, arguments, &error), -HD_INVALID);
    snprintf(expected, sizeof expected, "%s: the configuration file cannot be read: Is a directory", folder);
    ck_assert_str_eq(error.message, expected);
}
END_TEST

START_TEST(help_and_version_end_the_program)
{
    static const char *const options[] = {"--help", "--version"};
    struct settings settings;
    struct hd_error error = {0};
    write_file("slots = 2\n", 10);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        ck_assert_int_eq(load(&settings, &error, options[i], NULL, NULL), 1);
    ck_assert_int_eq(load(&settings, &error, "--check-database", NULL, NULL), 0); /* it needs the settings: where the database is */
    ck_assert(settings.check_database);
    settings_clear(&settings);
    ck_assert_int_eq(load(&settings, &error, "--check-config", NULL, NULL), 0); /* they are held against the machine, too */
    ck_assert(settings.check_only);
    settings_clear(&settings);
    write_file("slots = x\n", 10);
    ck_assert_int_eq(load(&settings, &error, "--check-config", NULL, NULL), -HD_INVALID);
}
END_TEST

struct differences {
    char taken[512], restart[512];
};

static void note_difference(void *data, const char *name, bool taken)
{
    struct differences *differences = data;
    char *list = taken ? differences->taken : differences->restart;
    snprintf(list + strlen(list), sizeof differences->taken - strlen(list), "%s ", name);
}

START_TEST(taken_again)
{
    struct settings settings, fresh;
    struct hd_error error = {0};
    struct differences differences = {0};
    static const char first[] = "slots = 2\nenvironment_keep = A B\nlisten = 127.0.0.1:1\nstate_dir = /a\nidle_timeout = 5 s\n";
    static const char second[] = "slots = 3\nenvironment_keep = A\nlisten = 127.0.0.1:2\nstate_dir = /b\nstop_children = yes\n"
                                 "log_level = debug\nbody_limit = 1 MiB\nidle_timeout = 6 s\nconnections = 99\n";
    write_file(first, strlen(first));
    ck_assert_int_eq(load(&settings, &error, "--state-dir", "/c", NULL), 0);
    ck_assert_int_eq(settings_read_again(&settings, &fresh, &error), 0);
    settings_take(&settings, &fresh, note_difference, &differences);
    settings_clear(&fresh);
    ck_assert_str_eq(differences.taken, "");
    ck_assert_str_eq(differences.restart, "");
    write_file(second, strlen(second));
    ck_assert_int_eq(settings_read_again(&settings, &fresh, &error), 0);
    settings_take(&settings, &fresh, note_difference, &differences);
    settings_clear(&fresh);
    ck_assert_str_eq(differences.taken, "slots stop_children environment_keep body_limit log_level ");
    ck_assert_str_eq(differences.restart, "listen connections idle_timeout ");
    ck_assert_int_eq(settings.slots, 3);
    ck_assert(settings.stop_children);
    ck_assert_str_eq(settings.environment_keep[0], "A");
    ck_assert_ptr_null(settings.environment_keep[1]);
    ck_assert_int_eq(settings.body_limit, 1 << 20);
    ck_assert_int_eq(settings.log_level, 7);
    ck_assert_str_eq(settings.listen, "127.0.0.1:1");
    ck_assert_str_eq(settings.state_dir, "/c");
    ck_assert_int_eq(settings.idle_timeout_us, 5000000);
    write_file("slots = none\n", 13);
    ck_assert_int_eq(settings_read_again(&settings, &fresh, &error), -HD_INVALID);
    ck_assert_int_eq(settings.slots, 3);
    settings_clear(&settings);
}
END_TEST

/* hyperdrived.conf with its settings commented in: the lines whose '#' is followed by no blank. */
static void commented_in(FILE *from, FILE *to, int *ret_settings)
{
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, from) >= 0) {
        bool setting = line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';
        *ret_settings += setting;
        ck_assert_int_ge(fputs(line + setting, to), 0);
    }
    free(line);
}

static void assert_same(const struct settings *a, const struct settings *b)
{
    ck_assert_str_eq(a->listen, b->listen);
    ck_assert_ptr_null(a->allowed_hosts[0]);
    ck_assert_ptr_null(b->allowed_hosts[0]);
    ck_assert_ptr_null(a->run_as_users[0]);
    ck_assert_ptr_null(b->run_as_users[0]);
    ck_assert_pstr_eq(a->tls_certificate, b->tls_certificate);
    ck_assert_pstr_eq(a->tls_key, b->tls_key);
    ck_assert_pstr_eq(a->tls_ca, b->tls_ca);
    ck_assert_int_eq(a->allow_plaintext, b->allow_plaintext);
    ck_assert_ptr_null(a->socket_access[0]);
    ck_assert_ptr_null(b->socket_access[0]);
    ck_assert_int_eq(a->group_token, b->group_token);
    ck_assert_int_eq(a->slots, b->slots);
    ck_assert_str_eq(a->gpus, b->gpus);
    ck_assert_str_eq(a->nvidia_smi, b->nvidia_smi);
    ck_assert_str_eq(a->device_root, b->device_root);
    ck_assert_str_eq(a->cgroup, b->cgroup);
    ck_assert_str_eq(a->systemd_run, b->systemd_run);
    ck_assert_int_eq(a->stop_grace_us, b->stop_grace_us);
    ck_assert_int_eq(a->stop_children, b->stop_children);
    ck_assert_int_eq(a->snapshot_limit, b->snapshot_limit);
    ck_assert_int_eq(a->audit_days, b->audit_days);
    ck_assert_int_eq(a->body_limit, b->body_limit);
    ck_assert_int_eq(a->connections, b->connections);
    ck_assert_int_eq(a->connections_per_address, b->connections_per_address);
    ck_assert_int_eq(a->header_timeout_us, b->header_timeout_us);
    ck_assert_int_eq(a->body_timeout_us, b->body_timeout_us);
    ck_assert_int_eq(a->idle_timeout_us, b->idle_timeout_us);
    ck_assert_int_eq(a->write_queue, b->write_queue);
    ck_assert_int_eq(a->big_answers, b->big_answers);
    ck_assert_int_eq(a->policy_memory_mb, b->policy_memory_mb);
    ck_assert_int_eq(a->log_limit, b->log_limit);
    ck_assert_int_eq(a->keep_days, b->keep_days);
    ck_assert_int_eq(a->keep_logs_mb, b->keep_logs_mb);
    ck_assert_int_eq(a->check_interval_us, b->check_interval_us);
    ck_assert_int_eq(a->log_level, b->log_level);
    for (size_t i = 0; a->environment_keep[i] != NULL || b->environment_keep[i] != NULL; i++)
        ck_assert_pstr_eq(a->environment_keep[i], b->environment_keep[i]);
}

/* As it is shipped it changes nothing; and each default it shows is the built-in one. */
START_TEST(shipped_file_shows_the_defaults)
{
    struct settings built_in, shown;
    struct hd_error error = {0};
    int settings = 0;
    FILE *shipped = fopen(HD_SOURCE_ROOT "/hyperdrived.conf", "r");
    FILE *copy = fopen(file, "w");
    ck_assert_ptr_nonnull(shipped);
    ck_assert_ptr_nonnull(copy);
    commented_in(shipped, copy, &settings);
    ck_assert_int_eq(fclose(shipped), 0);
    ck_assert_int_eq(fclose(copy), 0);
    ck_assert_int_eq(settings, 33);
    ck_assert_msg(load(&shown, &error, NULL, NULL, NULL) == 0, "%s", error.message);
    char *arguments[] = {(char[]){"hyperdrived"}, (char[]){"--config"}, (char[]){HD_SOURCE_ROOT "/hyperdrived.conf"}, NULL};
    ck_assert_msg(settings_load(&built_in, 3, arguments, &error) == 0, "%s", error.message);
    assert_same(&built_in, &shown);
    ck_assert_str_eq(shown.state_dir, "/var/lib/hyperdrive");
    ck_assert_str_eq(shown.monitor, "/usr/libexec/hyperdrive/hyperdrive-monitor");
    settings_clear(&built_in);
    settings_clear(&shown);
}
END_TEST

START_TEST(built_in_defaults)
{
    struct settings settings;
    struct hd_error error = {0};
    char expected[64];
    write_file("", 0);
    ck_assert_msg(load(&settings, &error, NULL, NULL, NULL) == 0, "%s", error.message);
    ck_assert_str_eq(settings.listen, "127.0.0.1:8700");
    ck_assert_int_eq(settings.body_limit, 16 << 20);
    ck_assert_int_eq(settings.write_queue, 64 << 20);
    ck_assert_int_eq(settings.snapshot_limit, 300000000);
    ck_assert_int_eq(settings.idle_timeout_us, 120000000);
    ck_assert_int_eq(settings.log_level, 6);
    snprintf(expected, sizeof expected, "%s/hyperdrive", folder);
    ck_assert_str_eq(settings.state_dir, geteuid() == 0 ? "/var/lib/hyperdrive" : expected);
    ck_assert(settings.monitor[0] == '/');
    settings_clear(&settings);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settings");
    TCase *tests = tcase_create("settings");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_loop_test(tests, bad_line, 0, sizeof bad_files / sizeof bad_files[0]);
    tcase_add_test(tests, nul_in_line);
    tcase_add_test(tests, good_lines);
    tcase_add_test(tests, options_override_the_file);
    tcase_add_loop_test(tests, bad_option, 0, sizeof bad_options / sizeof bad_options[0]);
    tcase_add_test(tests, missing_file);
    tcase_add_test(tests, folder_as_file);
    tcase_add_test(tests, help_and_version_end_the_program);
    tcase_add_test(tests, shipped_file_shows_the_defaults);
    tcase_add_test(tests, built_in_defaults);
    tcase_add_test(tests, taken_again);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0 ? 1 : 0;
}
