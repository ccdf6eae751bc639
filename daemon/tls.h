/* What others need of the daemon's certificate: who vouches for it, and what clients may not like about it. */
#ifndef HYPERDRIVED_TLS_H
#define HYPERDRIVED_TLS_H

#include "http/certificate.h"
#include "settings.h"

/* Children and the hyperdrive command find it in the state folder, whoever they are. */
#define TLS_AUTHORITIES "ca.pem"

/* Copies `tls_ca` to that place, or removes what is there when there is none. It waits for the disk. */
int tls_copy_authorities(const struct settings *settings, struct hd_error *error);
/* Logs what makes clients refuse the certificate. They go by the name in the daemon's address `url`. */
void tls_remark_on(const struct http_certificate *certificate, const char *url);

#endif
