/*
 * A small HTTP server for tests, on loopback, one thread per connection:
 *   /NAME[?ANYTHING]                     a file of the folder (with ranges)
 *   /stream/NAME?count=N[&then=silence]  that file N times as multipart MJPEG, 50 a second, then the end,
 *   /stream/NAME?count=N[&then=OTHER]    silence, or another file for ever
 *   /status/CODE, /silence, /redirect_file
 */
#ifndef SCI_TESTS_MEDIA_HTTP_SERVER_H
#define SCI_TESTS_MEDIA_HTTP_SERVER_H

struct http_server;

struct http_server *http_server_start(const char *folder);
int http_server_port(const struct http_server *server);
/* "http://127.0.0.1:PORT/REST", until the next call. */
const char *http_server_uri(const struct http_server *server, const char *rest);
void http_server_stop(struct http_server *server); /* ends its connections, waits for its threads */

#endif
