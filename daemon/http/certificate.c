#include "certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_LIMIT = 1 << 20, SOON_DAYS = 14, DAY_S = 86400, KEY_ID_SIZE = 32 };

static int short_of_memory(struct hd_error *error)
{
    return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
}

static int read_bytes(int file, struct hd_text *text)
{
    char bytes[4096];
    ssize_t count;
    while ((count = read(file, bytes, sizeof bytes)) > 0 && text->length + (size_t)count <= FILE_LIMIT)
        hd_text_add(text, bytes, (size_t)count);
    return count < 0 ? -errno : count > 0 ? -EFBIG : 0;
}

/* What is wrong with the name, or with what lies there, stays as it is; all else may pass. */
static enum hd_code code_of(int number)
{
    switch (number) {
    case EACCES:
    case EPERM:
        return HD_FORBIDDEN;
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EISDIR:
    case EINVAL:
    case ENXIO:
    case EFBIG:
        return HD_INVALID;
    default:
        return HD_UNAVAILABLE;
    }
}

/* The whole file, which is `what` of the setting `setting`. With `secret` not everybody may read it. */
static int read_file(const char *path, const char *setting, bool secret, struct hd_text *ret_text, struct hd_error *error)
{
    struct stat status = {0};
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), number = 0;
    if (file < 0 || fstat(file, &status) != 0)
        number = errno;
    else if (!S_ISREG(status.st_mode))
        number = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    else
        number = -read_bytes(file, ret_text);
    if (file >= 0)
        close(file);
    if (number != 0)
        return hd_error_system(error, code_of(number), number, "cannot read %s (setting '%s')", path, setting);
    if (ret_text->failed)
        return short_of_memory(error);
    if (secret && (status.st_mode & S_IROTH) != 0)
        return hd_error_set(error, HD_INVALID, "everybody can read %s (setting '%s'), which is a secret: chmod o= %s", path, setting, path);
    return 0;
}

static gnutls_datum_t datum_of(const struct hd_text *text)
{
    return (gnutls_datum_t){(unsigned char *)text->data, (unsigned)text->length};
}

static int take_chain(struct http_certificate *certificate, const char *path, const struct hd_text *pem, struct hd_error *error)
{
    gnutls_x509_crt_t list[HTTP_CHAIN];
    unsigned count = HTTP_CHAIN, taken = 0;
    gnutls_datum_t bytes = datum_of(pem);
    int code = gnutls_x509_crt_list_import(list, &count, &bytes, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
    if (code < 0)
        return hd_error_set(error, HD_INVALID, "%s (setting 'tls_certificate') is no PEM file of at most %d certificates: %s", path,
                            (int)HTTP_CHAIN, gnutls_strerror(code));
    for (code = 0; code == 0 && taken < count; taken += code == 0)
        code = gnutls_pcert_import_x509(&certificate->chain[taken], list[taken], 0);
    certificate->length = taken;
    certificate->leaf = list[0];
    for (unsigned i = 1; i < count; i++)
        gnutls_x509_crt_deinit(list[i]);
    return code < 0 ? short_of_memory(error) : 0;
}

static bool belong_together(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key)
{
    unsigned char of_certificate[KEY_ID_SIZE], of_key[KEY_ID_SIZE];
    size_t size = sizeof of_certificate, other = sizeof of_key;
    return gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, of_certificate, &size) == 0 &&
           gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, of_key, &other) == 0 && size == other &&
           memcmp(of_certificate, of_key, size) == 0;
}

static int blame_key(int result, struct hd_error *error)
{
    if (result < 0)
        snprintf(error->target, sizeof error->target, "tls_key");
    return result;
}

static int take_key(struct http_certificate *certificate, const char *certificate_file, const char *path, const struct hd_text *pem,
                    struct hd_error *error)
{
    gnutls_x509_privkey_t key;
    gnutls_datum_t bytes = datum_of(pem);
    int result = 0;
    if (gnutls_x509_privkey_init(&key) < 0)
        return short_of_memory(error);
    int code = gnutls_x509_privkey_import2(key, &bytes, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (code < 0)
        result = blame_key(hd_error_set(error, HD_INVALID, "%s (setting 'tls_key') is no PEM file of a private key without a password: %s",
                                        path, gnutls_strerror(code)),
                           error);
    else if (!belong_together(certificate->leaf, key))
        result =
            hd_error_set(error, HD_INVALID, "the private key in %s does not belong to the first certificate in %s", path, certificate_file);
    else if (gnutls_privkey_init(&certificate->key) < 0 ||
             gnutls_privkey_import_x509(certificate->key, key, GNUTLS_PRIVKEY_IMPORT_COPY) < 0)
        result = short_of_memory(error);
    gnutls_x509_privkey_deinit(key);
    return result;
}

static void clear_secret(struct hd_text *text)
{
    if (text->data != NULL)
        gnutls_memset(text->data, 0, text->length);
    hd_text_clear(text);
}

int http_certificate_read(struct http_certificate **ret_certificate, const char *certificate_file, const char *key_file,
                          struct hd_error *error)
{
    struct http_certificate *certificate = calloc(1, sizeof *certificate);
    struct hd_text chain = {0}, key = {0};
    if (certificate == NULL)
        return short_of_memory(error);
    certificate->users = 1;
    int result = read_file(certificate_file, "tls_certificate", false, &chain, error);
    if (result == 0)
        result = blame_key(read_file(key_file, "tls_key", true, &key, error), error);
    if (result == 0)
        result = take_chain(certificate, certificate_file, &chain, error);
    if (result == 0)
        result = take_key(certificate, certificate_file, key_file, &key, error);
    clear_secret(&key);
    hd_text_clear(&chain);
    if (result < 0)
        http_certificate_leave(certificate);
    else
        *ret_certificate = certificate;
    return result;
}

void http_certificate_leave(struct http_certificate *certificate)
{
    if (certificate == NULL || --certificate->users > 0)
        return;
    for (unsigned i = 0; i < certificate->length; i++)
        gnutls_pcert_deinit(&certificate->chain[i]);
    if (certificate->leaf != NULL)
        gnutls_x509_crt_deinit(certificate->leaf);
    if (certificate->key != NULL)
        gnutls_privkey_deinit(certificate->key);
    free(certificate);
}

bool http_certificate_is_for(const struct http_certificate *certificate, const char *host)
{
    return gnutls_x509_crt_check_hostname(certificate->leaf, host) != 0;
}

static void add_day(struct hd_text *text, time_t when)
{
    struct tm day;
    char name[32] = "";
    if (gmtime_r(&when, &day) != NULL)
        strftime(name, sizeof name, "%Y-%m-%d", &day);
    hd_text_add_string(text, name);
}

void http_certificate_remark(const struct http_certificate *certificate, int64_t now_s, struct hd_text *ret_remark)
{
    time_t begins = gnutls_x509_crt_get_activation_time(certificate->leaf);
    time_t ends = gnutls_x509_crt_get_expiration_time(certificate->leaf);
    if (ends != (time_t)-1 && now_s > ends) {
        hd_text_add_string(ret_remark, "the certificate is out of date since ");
        add_day(ret_remark, ends);
        hd_text_add_string(ret_remark, ": clients will refuse it");
    } else if (begins != (time_t)-1 && now_s < begins) {
        hd_text_add_string(ret_remark, "the certificate is valid only from ");
        add_day(ret_remark, begins);
        hd_text_add_string(ret_remark, " on: clients will refuse it until then");
    } else if (ends != (time_t)-1 && now_s > ends - (time_t)SOON_DAYS * DAY_S) {
        hd_text_add_string(ret_remark, "the certificate is valid until ");
        add_day(ret_remark, ends);
        hd_text_add_string(ret_remark, "; a new one is taken at SIGHUP");
    }
}

int http_authorities_read(const char *file, struct hd_text *ret_text, struct hd_error *error)
{
    gnutls_x509_crt_t *list = NULL;
    unsigned count = 0;
    int result = read_file(file, "tls_ca", false, ret_text, error);
    if (result < 0)
        return result;
    gnutls_datum_t bytes = datum_of(ret_text);
    int code = gnutls_x509_crt_list_import2(&list, &count, &bytes, GNUTLS_X509_FMT_PEM, 0);
    if (code < 0)
        return hd_error_set(error, HD_INVALID, "%s (setting 'tls_ca') is no PEM file of certificates: %s", file, gnutls_strerror(code));
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(list[i]);
    gnutls_free(list);
    return 0;
}
