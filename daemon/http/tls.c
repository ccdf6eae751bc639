/* Connections under TLS: which certificate each of them is shown. */
#include "internal.h"

/* libmicrohttpd has made the session before it tells of the connection, and begins the handshake after it. */
void http_tls_begin(struct http_connection *peer)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(peer->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    peer->certificate = peer->server->settings.certificate;
    if (peer->certificate == NULL)
        return;
    peer->certificate->users++;
    if (info != NULL && info->tls_session != NULL)
        gnutls_session_set_ptr(info->tls_session, peer->certificate);
}

void http_tls_end(struct http_connection *peer)
{
    http_certificate_leave(peer->certificate);
    peer->certificate = NULL;
}

int http_tls_choose(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
                    const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **ret_chain, unsigned *ret_length,
                    gnutls_privkey_t *ret_key)
{
    struct http_certificate *certificate = gnutls_session_get_ptr(session);
    (void)authorities, (void)authority_count, (void)algorithms, (void)algorithm_count;
    if (certificate == NULL) /* there was no memory for the connection */
        return -1;
    *ret_chain = certificate->chain;
    *ret_length = certificate->length;
    *ret_key = certificate->key;
    return 0;
}

void http_set_certificate(struct http_server *server, struct http_certificate *certificate)
{
    http_certificate_leave(server->settings.certificate);
    server->settings.certificate = certificate;
}
