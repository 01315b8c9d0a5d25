/* SPDX-License-Identifier: Apache-2.0 */
#include "stage2/exec.h"

#include <elf.h>
#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

enum { HEAD_SIZE = 4096, MAX_SEGMENTS = 128 };

/* The beginning of a program, from a file that is not trusted. */
struct head {
	int fd;
	ssize_t n;
	unsigned char bytes[HEAD_SIZE];
};

static bool read_head(const char *path, struct head *head)
{
	struct stat st;
	head->fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (head->fd < 0)
		return false;
	if (fstat(head->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	head->n = pread(head->fd, head->bytes, sizeof head->bytes, 0);
	return head->n > 0;
}

static bool is_elf(const struct head *head)
{
	return head->n >= (ssize_t)sizeof(Elf32_Ehdr) && memcmp(head->bytes, ELFMAG, SELFMAG) == 0;
}

/* "#! /bin/sh -e": the path. */
static bool script_interpreter(const struct head *head, char *out, size_t size)
{
	if (head->n < 3 || head->bytes[0] != '#' || head->bytes[1] != '!')
		return false;
	const char *p = (const char *)head->bytes + 2;
	const char *end = (const char *)head->bytes + head->n;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	size_t n = 0;
	while (p + n < end && !strchr(" \t\r\n", p[n])) /* NUL ends it too */
		n++;
	if (n == 0 || n >= size)
		return false;
	memcpy(out, p, n);
	out[n] = '\0';
	return true;
}

/* The segment PT_INTERP of a program of our own byte order. */
static bool elf_interpreter(const struct head *head, char *out, size_t size)
{
	union {
		Elf32_Ehdr e32;
		Elf64_Ehdr e64;
	} h;
	bool wide = head->bytes[EI_CLASS] == ELFCLASS64;
	if (!is_elf(head) || head->n < (ssize_t)sizeof h)
		return false;
	memcpy(&h, head->bytes, sizeof h);
	uint64_t at = wide ? h.e64.e_phoff : h.e32.e_phoff;
	unsigned n = wide ? h.e64.e_phnum : h.e32.e_phnum;
	for (unsigned i = 0; i < n && i < MAX_SEGMENTS && at < INT32_MAX; i++) {
		Elf64_Phdr p64;
		Elf32_Phdr p32;
		ssize_t want = wide ? sizeof p64 : sizeof p32;
		if (pread(head->fd, wide ? (void *)&p64 : (void *)&p32, (size_t)want, (off_t)at) !=
			want)
			return false;
		at += (uint64_t)want;
		if ((wide ? p64.p_type : p32.p_type) != PT_INTERP)
			continue;
		uint64_t offset = wide ? p64.p_offset : p32.p_offset;
		uint64_t len = wide ? p64.p_filesz : p32.p_filesz;
		if (len < 2 || len > size || offset > INT32_MAX ||
			pread(head->fd, out, len, (off_t)offset) != (ssize_t)len)
			return false;
		out[len - 1] = '\0';
		return true;
	}
	return false;
}

static const struct {
	uint16_t machine;
	const char *name;
} machines[] = {
	{ EM_X86_64, "amd64" },
	{ EM_386, "i386" },
	{ EM_AARCH64, "aarch64" },
	{ EM_ARM, "arm" },
	{ EM_PPC64, "ppc64" },
	{ EM_S390, "s390x" },
	{ EM_RISCV, "riscv" },
	{ EM_MIPS, "mips" },
};

#if defined(__x86_64__)
enum { OUR_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { OUR_MACHINE = EM_AARCH64 };
#else
enum { OUR_MACHINE = EM_NONE };
#endif

static const char *machine_name(unsigned machine)
{
	for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
		if (machines[i].machine == machine)
			return machines[i].name;
	return "an unknown architecture";
}

static unsigned elf_machine(const struct head *head)
{
	uint16_t machine;
	memcpy(&machine, head->bytes + offsetof(Elf32_Ehdr, e_machine), sizeof machine);
	return head->bytes[EI_DATA] == ELFDATA2MSB ? be16toh(machine) : le16toh(machine);
}

static int explain_missing(const char *path, struct err *e)
{
	char interpreter[PATH_MAX];
	struct head head = { .fd = -1 };
	bool known = read_head(path, &head) &&
		     (script_interpreter(&head, interpreter, sizeof interpreter) ||
			     elf_interpreter(&head, interpreter, sizeof interpreter));
	bool there = head.fd >= 0;
	fd_close(head.fd);
	if (!there)
		return ERR_NUM(e, ENOENT, "Unable to open \"%s\"", path);
	if (!known)
		return ERR_NUM(e, ENOENT, "Unable to execute \"%s\"", path);
	int r = ERR_NUM(e, ENOENT, "Unable to open \"%s\"", interpreter);
	return err_wrap(e, r, "interpreter of \"%s\"", path);
}

static int explain_format(const char *path, struct err *e)
{
	struct head head = { .fd = -1 };
	bool elf = read_head(path, &head) && is_elf(&head);
	fd_close(head.fd);
	if (!elf)
		return err_set(e, ERR_INPUT, ENOEXEC,
			"Unable to execute \"%s\": it is neither a program nor a script that "
			"begins with #!",
			path);
	unsigned machine = elf_machine(&head);
	if (machine == OUR_MACHINE)
		return err_set(
			e, ERR_INPUT, ENOEXEC, "Unable to execute \"%s\": it is damaged", path);
	return err_set(e, ERR_INPUT, ENOEXEC,
		"Unable to execute \"%s\": it is a program for %s, this machine is %s", path,
		machine_name(machine), machine_name(OUR_MACHINE));
}

int app_exec_explain(const char *path, int num, struct err *e)
{
	struct stat st;
	switch (num) {
	case ENOENT: return explain_missing(path, e);
	case ENOEXEC: return explain_format(path, e);
	case EACCES:
		if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
			return err_set(e, ERR_INPUT, EACCES,
				"Unable to execute \"%s\": it is not a regular file", path);
		if (stat(path, &st) == 0 && !(st.st_mode & 0111))
			return err_set(e, ERR_INPUT, EACCES,
				"Unable to execute \"%s\": it is not executable", path);
		break;
	}
	return ERR_NUM(e, num, "Unable to execute \"%s\"", path);
}

static const char *env_path(char *const *envv)
{
	const char *value = NULL;
	for (; *envv && !value; envv++)
		value = str_after(*envv, "PATH=");
	return value ? value : "";
}

/* errno that execve would fail with, as far as it can be told: 0 where it cannot. */
static int foresee(const char *path)
{
	static const unsigned ours[] = { OUR_MACHINE, EM_386, EM_ARM };
	char interpreter[PATH_MAX];
	struct stat st;
	if (stat(path, &st) < 0)
		return errno;
	if (!S_ISREG(st.st_mode) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return EACCES;
	struct head head = { .fd = -1 };
	int num = 0;
	if (read_head(path, &head)) {
		const bool named = script_interpreter(&head, interpreter, sizeof interpreter) ||
				   elf_interpreter(&head, interpreter, sizeof interpreter);
		bool machine = !is_elf(&head);
		for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
			machine |= is_elf(&head) && elf_machine(&head) == ours[i];
		num = !machine ? ENOEXEC : named && access(interpreter, F_OK) < 0 ? ENOENT : 0;
	}
	fd_close(head.fd);
	return num;
}

/* Goes through the paths that argv[0] may stand for. `attempt` returns the errno that this one
 * fails with, or 0: it is the one. One that may not be executed does not hide a later one, but is
 * told of when there is none. */
static int search(char *const *argv, char *const *envv,
	int (*attempt)(const char *path, char *const *argv, char *const *envv),
	char found[PATH_MAX], int *ret_num)
{
	int num = ENOENT;
	*found = '\0';
	for (const char *p = env_path(envv), *end;; p = end + 1) {
		char path[PATH_MAX];
		end = strchrnul(p, ':');
		const char *dir = end == p ? "." : p;
		int n = snprintf(
			path, PATH_MAX, "%.*s/%s", end == p ? 1 : (int)(end - p), dir, argv[0]);
		if (n > 0 && (size_t)n < PATH_MAX && access(path, F_OK) == 0) {
			int why = attempt(path, argv, envv);
			if (!*found || why == 0) {
				num = why;
				memcpy(found, path, PATH_MAX);
			}
			if (why != EACCES)
				break;
		}
		if (!*end)
			break;
	}
	*ret_num = num;
	return num == 0;
}

static int attempt_exec(const char *path, char *const *argv, char *const *envv)
{
	execve(path, argv, envv);
	return errno;
}

static int attempt_foresee(const char *path, char *const *argv, char *const *envv)
{
	(void)argv;
	(void)envv;
	return foresee(path);
}

int app_exec(char *const *argv, char *const *envv, struct err *e)
{
	char found[PATH_MAX];
	int num;
	if (strchr(argv[0], '/'))
		return app_exec_explain(argv[0], attempt_exec(argv[0], argv, envv), e);
	search(argv, envv, attempt_exec, found, &num);
	return app_exec_explain(*found ? found : argv[0], num, e);
}

int app_exec_find(char *const *argv, char *const *envv, char ret_path[PATH_MAX], struct err *e)
{
	int num;
	if (!strchr(argv[0], '/')) {
		if (search(argv, envv, attempt_foresee, ret_path, &num))
			return 0;
		return app_exec_explain(*ret_path ? ret_path : argv[0], num, e);
	}
	if (strlen(argv[0]) >= PATH_MAX)
		return ERR_NUM(e, ENAMETOOLONG, "Unable to execute \"%s\"", argv[0]);
	memcpy(ret_path, argv[0], strlen(argv[0]) + 1);
	num = foresee(ret_path);
	return num ? app_exec_explain(ret_path, num, e) : 0;
}

int app_exec_found(const char *path, char *const *argv, char *const *envv, struct err *e)
{
	execve(path, argv, envv);
	return ERR_SYS(e, "Unable to execute \"%s\"", path);
}
