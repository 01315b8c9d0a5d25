/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/caps.h"

#include <linux/capability.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const names[] = {
#define X(name) "CAP_" #name,
	CAPS(X)
#undef X
};
_Static_assert((int)CAP__CHOWN == CAP_CHOWN && (int)CAP__SYS_ADMIN == CAP_SYS_ADMIN &&
		       (int)CAP__SETFCAP == CAP_SETFCAP && (int)CAP__AUDIT_READ == CAP_AUDIT_READ,
	"the list is in the kernel's order");

enum { CAP_LIMIT = 64, PREFIX = sizeof "CAP_" - 1 };

const char *cap_name(unsigned cap)
{
	return cap < _CAP_MAX ? names[cap] : NULL;
}

int cap_parse(const char *name, struct err *e)
{
	const char *bare = strncasecmp(name, "CAP_", PREFIX) == 0 ? name + PREFIX : name;
	for (int i = 0; i < _CAP_MAX; i++)
		if (strcasecmp(names[i] + PREFIX, bare) == 0)
			return i;
	return ERR_NOENT(e, "'%s' is not a capability", name);
}

int caps_parse(const char *const *list, size_t n, uint64_t *ret, struct err *e)
{
	uint64_t set = 0;
	for (size_t i = 0; i < n; i++) {
		int cap = cap_parse(list[i], e);
		if (cap < 0)
			return cap;
		set |= UINT64_C(1) << cap;
	}
	*ret = set;
	return 0;
}

int caps_get(struct caps *ret, struct err *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	if (syscall(SYS_capget, &head, data) < 0)
		return ERR_SYS(e, "capget");
	*ret = (struct caps){
		.effective = data[0].effective | (uint64_t)data[1].effective << 32,
		.permitted = data[0].permitted | (uint64_t)data[1].permitted << 32,
		.inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32,
	};
	return 0;
}

int caps_set(const struct caps *caps, struct err *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	for (int i = 0; i < 2; i++)
		data[i] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(caps->effective >> 32 * i),
			.permitted = (uint32_t)(caps->permitted >> 32 * i),
			.inheritable = (uint32_t)(caps->inheritable >> 32 * i),
		};
	if (syscall(SYS_capset, &head, data) < 0)
		return ERR_SYS(e, "capset");
	return 0;
}

int caps_bound(uint64_t keep, struct err *e)
{
	if (keep == CAPS_EVERY)
		return 0;
	for (unsigned i = 0; i < CAP_LIMIT; i++) {
		if (keep >> i & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0)
			continue;
		int num = errno, left = prctl(PR_CAPBSET_READ, i, 0, 0, 0);
		if (left < 0) /* past the kernel's last one */
			return 0;
		if (left == 0) /* without CAP_SETPCAP what has gone cannot be dropped anew */
			continue;
		return ERR_NUM(e, num, "drop capability %u from the bounding set", i);
	}
	return 0;
}

uint64_t caps_bounding(void)
{
	uint64_t set = 0;
	for (unsigned i = 0; i < CAP_LIMIT; i++) {
		int r = prctl(PR_CAPBSET_READ, i, 0, 0, 0);
		if (r < 0)
			break;
		set |= (uint64_t)(r > 0) << i;
	}
	return set;
}

int caps_ambient(uint64_t caps, struct err *e)
{
	/* A kernel older than 4.3 has no ambient set: nothing to clear. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 &&
		(errno != EINVAL || caps))
		return ERR_SYS(e, "clear ambient capabilities");
	for (unsigned i = 0; i < CAP_LIMIT; i++)
		if (caps >> i & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
			return ERR_SYS(e, "raise ambient capability %u", i);
	return 0;
}

int caps_retire(uint64_t keep, struct err *e)
{
	struct caps held;
	int r = caps_get(&held, e);
	if (r < 0)
		return r;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return ERR_SYS(e, "give privileges up");
	held.permitted &= keep;
	held.effective = held.permitted;
	held.inheritable = 0;
	return caps_set(&held, e);
}
