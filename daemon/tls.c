#include "tls.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "state_file.h"

int tls_copy_authorities(const struct settings *settings, struct hd_error *error)
{
    struct hd_text text = {0};
    int result;

    if (settings->tls_ca == NULL)
        return state_file_remove(settings->state_dir, TLS_AUTHORITIES, error);
    result = http_authorities_read(settings->tls_ca, &text, error);
    if (result == 0)
        result = state_file_write(settings->state_dir, TLS_AUTHORITIES, text.data, 0644, error);
    hd_text_clear(&text);
    return result;
}

void tls_remark_on(const struct http_certificate *certificate, const char *url)
{
    struct hd_text remark = {0};
    const char *host = strstr(url, "://") + 3;
    bool bracketed = *host == '[';
    char name[256];

    snprintf(name, sizeof name, "%.*s", (int)strcspn(host, bracketed ? "]" : ":") - bracketed, host + bracketed);
    http_certificate_remark(certificate, (int64_t)time(NULL), &remark);
    if (remark.length > 0 && !remark.failed)
        log_line(LOG_LEVEL_WARNING, "%s", remark.data);
    hd_text_clear(&remark);
    if (!http_certificate_is_for(certificate, name))
        log_line(LOG_LEVEL_WARNING,
                 "the certificate is not made out to %s: give in 'allowed_hosts' a name that it has, and by which this machine reaches the "
                 "daemon; else children cannot report",
                 name);
}
