/* What a server shows over TLS: its certificate, with those that vouch for it, and the private key. */
#ifndef HYPERDRIVED_CERTIFICATE_H
#define HYPERDRIVED_CERTIFICATE_H

#include <gnutls/abstract.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/text.h"

enum { HTTP_CHAIN = 16 }; /* certificates in the file at most */

struct http_certificate {
    unsigned users; /* the server's, and connections that were made under it */
    gnutls_pcert_st chain[HTTP_CHAIN];
    unsigned length;
    gnutls_privkey_t key;
    gnutls_x509_crt_t leaf; /* the server's own */
};

/* Reads both PEM files, and sees that they belong together and that not everybody can read the key. Any thread; it waits for the disk. The
 * caller calls http_certificate_leave(), or gives it to a server. The error's target is `tls_key` where that file is to blame. */
int http_certificate_read(struct http_certificate **ret_certificate, const char *certificate_file, const char *key_file,
                          struct hd_error *error);
/* Frees it when this was the last user. NULL: nothing. */
void http_certificate_leave(struct http_certificate *certificate);

/* Whether it is made out to this name, or address in numbers. */
bool http_certificate_is_for(const struct http_certificate *certificate, const char *host);
/* What clients will soon not accept about it, as a sentence; `ret_remark` stays empty if all is well. */
void http_certificate_remark(const struct http_certificate *certificate, int64_t now_s, struct hd_text *ret_remark);

/* Reads a PEM file of certificates as it is, to be handed to clients; an error when it holds none. Any thread. */
int http_authorities_read(const char *file, struct hd_text *ret_text, struct hd_error *error);

#endif
