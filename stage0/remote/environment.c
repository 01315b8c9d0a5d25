/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/remote/environment.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "stage0/remote/request.h"

/* The first that is set and not empty. */
static const char *first(const char *const *names)
{
	for (; *names; names++) {
		const char *v = getenv(*names);
		if (!str_empty(v))
			return v;
	}
	return "";
}

static int take(const char *const *names, char *dst, size_t size, struct err *e)
{
	const char *v = first(names);
	if (strlen(v) >= size)
		return ERR_BAD(e, "the environment variable '%s' is too long", names[0]);
	snprintf(dst, size, "%s", v);
	return 0;
}

int environment_proxies(struct fetch_http_job *job, struct err *e)
{
	/* Not HTTP_PROXY: where rkt is a CGI, a client chooses that one. */
	static const char *const https[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
		NULL };
	static const char *const http[] = { "http_proxy", "all_proxy", "ALL_PROXY", NULL };
	static const char *const none[] = { "no_proxy", "NO_PROXY", NULL };
	int r = take(https, job->https_proxy, sizeof job->https_proxy, e);
	if (r >= 0)
		r = take(http, job->http_proxy, sizeof job->http_proxy, e);
	if (r >= 0)
		r = take(none, job->no_proxy, sizeof job->no_proxy, e);
	return r;
}

static int add_file(int dir, const char *name, int to, uint64_t *size, struct err *e)
{
	struct stat st;
	_clean_(str) struct str text = STR_INIT(FETCH_CA_MAX);
	_clean_(fd) int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	int r = io_read_fd(fd, name, &text, e);
	str_addc(&text, '\n');
	*size += text.len;
	if (r >= 0 && (!str_ok(&text) || *size > FETCH_CA_MAX))
		r = ERR_BAD(e, "more than %d bytes of certificates", FETCH_CA_MAX);
	return r < 0 ? r : io_write_all(to, str_text(&text), text.len, e);
}

/* All files of a directory in one: the worker does not see the host's directories. */
static int gather(const char *path, int *ret_fd, struct err *e)
{
	int raw = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (raw < 0)
		return ERR_SYS(e, "open");
	_clean_(dir) DIR *d = fdopendir(raw);
	if (!d)
		return ERR_SYS(e, "open");
	_clean_(fd) int to = memory_file("authorities", e);
	uint64_t size = 0;
	if (to < 0)
		return to;
	for (const struct dirent *entry; (entry = readdir(d));) {
		int r = add_file(raw, entry->d_name, to, &size, e);
		if (r < 0)
			return r;
	}
	if (lseek(to, 0, SEEK_SET) < 0)
		return ERR_SYS(e, "seek");
	*ret_fd = take_fd(&to);
	return 0;
}

int environment_authorities(int *ret_fd, struct err *e)
{
	static const char *const files[] = { "CURL_CA_BUNDLE", "SSL_CERT_FILE", NULL };
	static const char *const dirs[] = { "SSL_CERT_DIR", NULL };
	/* Where the directory is not of the hashed kind. */
	static const char *const bundles[] = { "/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem" };
	const char *file = first(files), *dir = first(dirs);
	*ret_fd = -1;
	if (*file) {
		const char *name = str_empty(getenv(files[0])) ? files[1] : files[0];
		*ret_fd = open(file, O_RDONLY | O_NOCTTY | O_CLOEXEC);
		return *ret_fd < 0 ? ERR_SYS(e, "open '%s' (%s)", file, name) : 0;
	}
	if (*dir) {
		int r = gather(dir, ret_fd, e);
		return r < 0 ? err_wrap(e, r, "SSL_CERT_DIR '%s'", dir) : 0;
	}
	if (access("/etc/ssl/certs/ca-certificates.crt", F_OK) == 0)
		return 0;
	for (size_t i = 0; *ret_fd < 0 && i < sizeof bundles / sizeof *bundles; i++)
		*ret_fd = open(bundles[i], O_RDONLY | O_NOCTTY | O_CLOEXEC);
	return 0;
}
