/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/devices.h"

#include <fcntl.h>
#include <linux/bpf_common.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"

#define ALL (DEVICE_MKNOD | DEVICE_READ | DEVICE_WRITE)
const struct device_rule devices_default[] = {
	{ false, DEVICE_ANY, DEVICE_ANY, DEVICE_MKNOD },
	{ true, DEVICE_ANY, DEVICE_ANY, DEVICE_MKNOD }, { false, 1, 3, ALL }, /* null */
	{ false, 1, 5, ALL },						      /* zero */
	{ false, 1, 7, ALL },						      /* full */
	{ false, 1, 8, ALL },						      /* random */
	{ false, 1, 9, ALL },						      /* urandom */
	{ false, 5, 0, ALL },						      /* tty */
	{ false, 5, 1, ALL },						      /* console */
	{ false, 5, 2, ALL },						      /* ptmx */
	{ false, 136, DEVICE_ANY, ALL },				      /* pts */
};
const size_t devices_n_default = sizeof devices_default / sizeof *devices_default;

/* --- version 2: a program -------------------------------------------------------------------- */

/* Of linux/bpf.h, which cannot be included: it has names in it that are banned here. */
#define BPF_JNE 0x50
#define BPF_EXIT 0x90
#define BPF_ALU64 0x07
#define BPF_MOV 0xb0
enum {
	PROG_LOAD = 5,
	PROG_ATTACH = 8,
	PROG_TYPE_CGROUP_DEVICE = 15,
	ATTACH_CGROUP_DEVICE = 6,
	ATTACH_ALLOW_MULTI = 2, /* of those above, each has to allow it too */
	TYPE_BLOCK = 1,
	TYPE_CHAR = 2,
};
struct insn { /* struct bpf_insn */
	uint8_t code, dst : 4, src : 4;
	int16_t off;
	int32_t imm;
};
struct context { /* struct bpf_cgroup_dev_ctx */
	uint32_t access_type, major, minor;
};
struct load_attr { /* the head of union bpf_attr; the kernel takes the rest for zero */
	uint32_t prog_type, insn_cnt;
	uint64_t insns, license;
	uint32_t log_level, log_size;
	uint64_t log_buf;
	uint32_t kern_version, prog_flags;
	char prog_name[16];
};
struct attach_attr {
	uint32_t target_fd, attach_bpf_fd, attach_type, attach_flags;
};

enum {
	PER_RULE = 6,
	HEAD = 6,
	TAIL = 2,
	MAX_INSNS = HEAD + PER_RULE * DEVICES_MAX + TAIL,
};

struct code {
	struct insn v[MAX_INSNS];
	size_t n;
};

static void emit(struct code *c, uint8_t code, unsigned dst, unsigned src, int16_t off, int32_t imm)
{
	c->v[c->n++] = (struct insn){
		.code = code, .dst = dst & 15, .src = src & 15, .off = off, .imm = imm
	};
}

enum { R_RESULT, R_CONTEXT, R_TYPE, R_ACCESS, R_MAJOR, R_MINOR, R_REST };

static void load(struct code *c, unsigned reg, size_t field)
{
	emit(c, BPF_LDX | BPF_MEM | BPF_W, reg, R_CONTEXT, (int16_t)field, 0);
}

/* The device is this one and nothing else is wanted of it: allow; else the next rule. */
static void emit_rule(struct code *c, const struct device_rule *rule)
{
	size_t jumps[4], n = 0;
	jumps[n++] = c->n;
	emit(c, BPF_JMP | BPF_JNE | BPF_K, R_TYPE, 0, 0, rule->block ? TYPE_BLOCK : TYPE_CHAR);
	if (rule->major != DEVICE_ANY) {
		jumps[n++] = c->n;
		emit(c, BPF_JMP | BPF_JNE | BPF_K, R_MAJOR, 0, 0, rule->major);
	}
	if (rule->minor != DEVICE_ANY) {
		jumps[n++] = c->n;
		emit(c, BPF_JMP | BPF_JNE | BPF_K, R_MINOR, 0, 0, rule->minor);
	}
	if ((rule->access & ALL) != ALL) {
		jumps[n++] = c->n;
		emit(c, BPF_JMP | BPF_JSET | BPF_K, R_ACCESS, 0, 0, (int32_t)(~rule->access & ALL));
	}
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, R_RESULT, 0, 0, 1);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	for (size_t i = 0; i < n; i++)
		c->v[jumps[i]].off = (int16_t)(c->n - jumps[i] - 1);
}

static void make_code(struct code *c, const struct device_rule *rules, size_t n)
{
	c->n = 0;
	load(c, R_ACCESS, offsetof(struct context, access_type));
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, R_TYPE, R_ACCESS, 0, 0);
	emit(c, BPF_ALU64 | BPF_AND | BPF_K, R_TYPE, 0, 0, 0xffff);
	emit(c, BPF_ALU64 | BPF_RSH | BPF_K, R_ACCESS, 0, 0, 16);
	load(c, R_MAJOR, offsetof(struct context, major));
	load(c, R_MINOR, offsetof(struct context, minor));
	for (size_t i = 0; i < n; i++)
		emit_rule(c, &rules[i]);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, R_RESULT, 0, 0, 0);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

int devices_restrict(int dirfd, const struct device_rule *rules, size_t n, struct err *e)
{
	struct code code;
	if (n > DEVICES_MAX)
		return ERR_BAD(e, "more than %d devices", DEVICES_MAX);
	make_code(&code, rules, n);
	const struct load_attr load = {
		.prog_type = PROG_TYPE_CGROUP_DEVICE,
		.insns = (uint64_t)(uintptr_t)code.v,
		.insn_cnt = (uint32_t)code.n,
		.license = (uint64_t)(uintptr_t) "Apache-2.0",
		.prog_name = "rkt_devices",
	};
	_clean_(fd) int program = (int)syscall(SYS_bpf, PROG_LOAD, &load, sizeof load);
	if (program < 0)
		return ERR_SYS(e, "load the filter of devices");
	/* The kernel wants one that was opened for real. */
	_clean_(fd) int group = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group < 0)
		return ERR_SYS(e, "open control group");
	const struct attach_attr attach = {
		.target_fd = (uint32_t)group,
		.attach_bpf_fd = (uint32_t)program,
		.attach_type = ATTACH_CGROUP_DEVICE,
		.attach_flags = ATTACH_ALLOW_MULTI,
	};
	if (syscall(SYS_bpf, PROG_ATTACH, &attach, sizeof attach) < 0)
		return ERR_SYS(e, "attach the filter of devices");
	return 0;
}

/* --- version 1: the controller --------------------------------------------------------------- */

static void put_number(char *text, size_t size, int number)
{
	if (number == DEVICE_ANY)
		snprintf(text, size, "*");
	else
		snprintf(text, size, "%d", number);
}

int devices_restrict_v1(int dirfd, const struct device_rule *rules, size_t n, struct err *e)
{
	int r = io_write_knob(dirfd, "devices.deny", "a", e);
	for (size_t i = 0; i < n && r >= 0; i++) {
		char line[64], high[16], low[16];
		put_number(high, sizeof high, rules[i].major);
		put_number(low, sizeof low, rules[i].minor);
		snprintf(line, sizeof line, "%c %s:%s %s%s%s", rules[i].block ? 'b' : 'c', high,
			low, rules[i].access & DEVICE_READ ? "r" : "",
			rules[i].access & DEVICE_WRITE ? "w" : "",
			rules[i].access & DEVICE_MKNOD ? "m" : "");
		r = io_write_knob(dirfd, "devices.allow", line, e);
		/* Somebody above has not got it either: what a container may not, no app may. */
		if (r == -EPERM)
			r = 0;
	}
	return r;
}
