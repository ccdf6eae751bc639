#include "check_settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "exit_codes.h"
#include "http/certificate.h"
#include "http/http.h"
#include "launch/confinement.h"
#include "launch/user.h"
#include "socket_access.h"
#include "state.h"

static int check_rights(const struct settings *settings, struct hd_error *error)
{
    if (settings->run_as_users[0] != NULL && geteuid() != 0)
        return hd_error_set(error, HD_FORBIDDEN, "'run_as_users' needs a daemon that runs as root: only root can start programs as others");
    return 0;
}

/* An account that is gone is no reason to leave the sweeps of all others alone: a start only tells it. */
int check_users(const struct settings *settings, struct hd_error *error)
{
    int result = 0;

    for (char *const *name = settings->run_as_users; *name != NULL && result == 0; name++) {
        struct user user = {0};

        result = user_find(*name, &user, error);
        if (result != 0)
            result = hd_error_wrap(error, "'run_as_users'");
        user_clear(&user);
    }
    return result;
}

static int check_socket_access(const struct settings *settings, struct hd_error *error)
{
    struct socket_access access = {0};
    int result = socket_access_open(&access, settings->socket_access, error);

    socket_access_close(&access);
    return result;
}

static int check_certificate(const struct settings *settings, struct hd_error *error)
{
    struct http_certificate *certificate = NULL;
    int result = 0;

    if (settings->tls_certificate != NULL)
        result = http_certificate_read(&certificate, settings->tls_certificate, settings->tls_key, error);
    http_certificate_leave(certificate);
    return result;
}

static int check_authorities(const struct settings *settings, struct hd_error *error)
{
    struct hd_text text = {0};
    int result = settings->tls_ca != NULL ? http_authorities_read(settings->tls_ca, &text, error) : 0;

    hd_text_clear(&text);
    return result;
}

static int check_cgroup(const struct settings *settings, struct hd_error *error)
{
    return confinement_check(settings->cgroup, error);
}

static int check_listen(const struct settings *settings, struct hd_error *error)
{
    return http_check_address(settings->listen, settings->tls_certificate != NULL, settings->allow_plaintext, error);
}

static int check_state(const struct settings *settings, struct hd_error *error)
{
    return state_check(settings->state_dir, error);
}

int check_monitor(const struct settings *settings, struct hd_error *error)
{
    if (access(settings->monitor, X_OK) != 0)
        return hd_error_system(error, HD_UNAVAILABLE, errno, "cannot execute the monitor %s (setting 'monitor')", settings->monitor);
    return 0;
}

struct check {
    const char *name; /* of the setting that is to blame */
    int (*check)(const struct settings *settings, struct hd_error *error);
};

/* Mistakes are told before what the machine lacks. */
static const struct check first_checks[] = {
    {"run_as_users", check_rights},
    {"socket_access", check_socket_access},
    {"tls_certificate", check_certificate},
    {"tls_ca", check_authorities},
    {"cgroup", check_cgroup},
};
static const struct check later_checks[] = {
    {"run_as_users", check_users}, {"listen", check_listen}, {"state_dir", check_state}, {"monitor", check_monitor}};

static int make_checks(const struct settings *settings, const struct check *checks, size_t count, struct hd_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (checks[i].check(settings, error) != 0)
            return settings_blame(settings, error->target[0] != '\0' ? error->target : checks[i].name, error);
    return 0;
}

int check_settings(const struct settings *settings, struct hd_error *error)
{
    return make_checks(settings, first_checks, sizeof first_checks / sizeof first_checks[0], error);
}

int check_settings_all(const struct settings *settings, struct hd_error *error)
{
    int result = check_settings(settings, error);

    return result == 0 ? make_checks(settings, later_checks, sizeof later_checks / sizeof later_checks[0], error) : result;
}

/* What is right today and will not be for long, one line each. */
static void print_remarks(const struct settings *settings)
{
    struct http_certificate *certificate = NULL;
    struct hd_error error = {0};
    struct hd_text remark = {0};

    if (settings->tls_certificate == NULL || http_certificate_read(&certificate, settings->tls_certificate, settings->tls_key, &error) != 0)
        return;
    http_certificate_remark(certificate, (int64_t)time(NULL), &remark);
    if (remark.length > 0 && !remark.failed)
        printf("warning: %s\n", remark.data);
    hd_text_clear(&remark);
    http_certificate_leave(certificate);
}

int check_settings_and_tell(const struct settings *settings)
{
    struct hd_error error = {0};

    if (check_settings_all(settings, &error) != 0) {
        fprintf(stderr, "hyperdrived: %s\n", error.message);
        return error.code == HD_INVALID ? EXIT_MISTAKE : EXIT_FAILED;
    }
    printf("%s: the configuration is right\n", settings->configuration_file != NULL ? settings->configuration_file : "no file");
    print_remarks(settings);
    if (fflush(stdout) == 0)
        return EXIT_DONE;
    fputs("hyperdrived: standard output cannot be written\n", stderr);
    return EXIT_FAILED;
}
