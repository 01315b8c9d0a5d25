/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/options.h"

#include "lib/sys/caps.h"

#define BIT(id) ((uint64_t)1 << CMD_##id)
#define ON_RUN (BIT(RUN))
#define ON_PREPARE (BIT(RUN) | BIT(PREPARE))
#define ON_START (BIT(RUN) | BIT(RUN_PREPARED))
#define ON_LISTS (BIT(LIST) | BIT(IMAGE_LIST))
#define ON_FORMAT (BIT(LIST) | BIT(STATUS) | BIT(IMAGE_LIST) | BIT(TRUST))
#define ON_UUID_FILE (BIT(STATUS) | BIT(STOP) | BIT(RM) | BIT(CAT_MANIFEST))
#define ON_PRETTY (BIT(CAT_MANIFEST) | BIT(IMAGE_CAT_MANIFEST) | BIT(CONFIG))
#define ON_ENTER (BIT(ENTER) | BIT(APP_EXEC))
#define ON_COPY (BIT(IMAGE_EXTRACT) | BIT(IMAGE_RENDER))

#define CLI(field) offsetof(struct cli, field)
#define APP(field) offsetof(struct compose_app, field)

#define SIGNATURE_HELP                                                                        \
	"file with the image's signature, by which it is judged in the store, too (default: " \
	"beside the image, .aci.asc; of an image with layers: where it comes from)"

static void caps_words(struct str *out)
{
	for (unsigned i = 0; cap_name(i); i++)
		str_addf(out, "%s%s", i ? "," : "", cap_name(i));
}

const struct option options[] = {
	/* name, placeholder, help, commands, type, flags, offset, without, preset, words */

	/* Of every command. */
	{ "debug", NULL, "print debug lines, and each cause of an error on a line of its own",
		OPTIONS_ALL, OPT_BOOL, 0, CLI(debug) },
	{ "dir", "DIRECTORY", "data directory (default /var/lib/rkt, or what paths.d configures)",
		OPTIONS_ALL, OPT_DIR, 0, CLI(dir) },
	{ "system-config", "DIRECTORY", "configuration of the vendor", OPTIONS_ALL, OPT_DIR, 0,
		CLI(system_config), NULL, "/usr/lib/rkt" },
	{ "local-config", "DIRECTORY", "configuration of this machine; overrides the vendor's",
		OPTIONS_ALL, OPT_DIR, 0, CLI(local_config), NULL, "/etc/rkt" },
	{ "user-config", "DIRECTORY", "configuration of the user; overrides both", OPTIONS_ALL,
		OPT_DIR, 0, CLI(user_config) },
	{ "insecure-options", "LIST",
		"checks to leave out, comma separated: image (signatures), capabilities, paths "
		"(masked and read-only kernel paths), seccomp, all-run (those three), tls, http, "
		"pubkey, ondisk, all-fetch (image, tls, http, pubkey), all, none",
		OPTIONS_ALL, OPT_INSECURE, 0, CLI(insecure), .words = insecure_words },
	{ "help", NULL, "explain the command", OPTIONS_ALL, OPT_BOOL, 0, CLI(help) },

	/* Of pods. */
	{ "net", "none|host", "network of the pod: none but loopback, or the host's (default none)",
		ON_START, OPT_TEXT, 0, CLI(net), "default" },
	{ "hostname", "NAME", "host name of the pod (default rkt-UUID)", ON_START, OPT_TEXT, 0,
		CLI(hostname) },
	{ "dns", "ADDRESS[,ADDRESS...]",
		"name servers of the pod; host: what the host has; none: the image's own, if any",
		ON_START, OPT_LIST, 0, CLI(dns.servers) },
	{ "dns-search", "DOMAIN[,DOMAIN...]", "domains that names are looked up in", ON_START,
		OPT_LIST, 0, CLI(dns.search) },
	{ "dns-opt", "OPTION[,OPTION...]", "options of the resolver", ON_START, OPT_LIST, 0,
		CLI(dns.options) },
	{ "dns-domain", "DOMAIN", "domain of the pod", ON_START, OPT_TEXT, 0, CLI(dns.domain) },
	{ "hosts-entry", "IP=NAME[,NAME...]",
		"a line of /etc/hosts in the apps; host: the host's file instead", ON_START,
		OPT_LIST, 0, CLI(dns.hosts) },
	{ "ipc", "auto|private|parent", "IPC namespace: of its own, or the host's (parent)",
		ON_START, OPT_TEXT, 0, CLI(ipc) },
	{ "interactive", NULL, "connect the terminal; the pod has one app", ON_START, OPT_BOOL, 0,
		CLI(interactive) },
	{ "volume", "NAME,kind=KIND[,KEY=VALUE...]",
		"a volume. kind=host,source=PATH: of the host; readOnly=true, recursive=false, "
		"propagation=slave|private|shared, idmap=true. kind=empty: mode=, uid=, gid=, "
		"readOnly=true. "
		"kind=tmpfs: size=, and as empty. kind=image,source=IMAGE: files of an image",
		ON_PREPARE, OPT_LIST, 0, CLI(pod.volumes) },
	{ "shm-size", "BYTES",
		"size of /dev/shm, which the apps share; as 64M (default: half of "
		"the memory)",
		ON_PREPARE, OPT_TEXT, 0, CLI(pod.shm_size) },
	{ "set-env", "NAME=VALUE", "environment variable of all apps", ON_PREPARE, OPT_LIST, 0,
		CLI(pod.set_env) },
	{ "set-env-file", "FILE",
		"file of environment variables of all apps, one NAME=VALUE a line", ON_PREPARE,
		OPT_LIST, 0, CLI(set_env_files) },
	{ "inherit-env", NULL, "pass rkt's own environment on, where an image does not set it",
		ON_PREPARE, OPT_BOOL, 0, CLI(inherit_env) },
	{ "strict-isolators", NULL,
		"refuse to start a pod of which an isolator is not enforced as it is written",
		ON_PREPARE, OPT_BOOL, 0, CLI(strict_isolators) },
	{ "sysctl", "NAME=VALUE",
		"kernel parameter of the pod's own namespaces: net.*, fs.mqueue.*, "
		"kernel.{shm*,msg*,sem,domainname}",
		ON_PREPARE, OPT_LIST, 0, CLI(pod.sysctls) },
	{ "pod-memory", "SIZE",
		"memory limit and request of all apps together, as 64M; 1Mi at least", ON_PREPARE,
		OPT_TEXT, 0, CLI(pod.memory) },
	{ "pod-cpu", "CPUS", "cpu limit and request of all apps together, as 500m", ON_PREPARE,
		OPT_TEXT, 0, CLI(pod.cpu) },
	{ "pod-pids", "NUMBER", "limit of processes and threads of all apps together", ON_PREPARE,
		OPT_TEXT, 0, CLI(pod.pids) },
	{ "no-overlay", NULL, "copy the images instead of mounting them with overlayfs", ON_PREPARE,
		OPT_BOOL, 0, CLI(no_overlay) },
	{ "private-users", "true|false",
		"user namespace: users of the pod are others than the host's, root too (default "
		"false, or what pods.d configures)",
		ON_PREPARE, OPT_TEXT, 0, CLI(private_users), "true" },
	{ "pod-manifest", "FILE", "run this pod manifest; no images and settings beside it",
		ON_PREPARE, OPT_TEXT, 0, CLI(pod_manifest) },
	{ "pull-policy", "new|update|never",
		"when to look for an image elsewhere than in the store: when it is not there (run "
		"and "
		"prepare), always (fetch), never",
		ON_PREPARE | BIT(FETCH), OPT_TEXT, 0, CLI(pull_policy) },
	{ "trust-keys-from-https", NULL,
		"trust the keys that the pages of an image's name give, where none is trusted for "
		"it yet",
		ON_PREPARE | BIT(FETCH), OPT_BOOL, 0, CLI(trust_keys_from_https) },
	{ "no-store", NULL, "the same as --pull-policy=update", ON_PREPARE | BIT(FETCH), OPT_BOOL,
		OPTION_HIDDEN, CLI(no_store) },
	{ "store-only", NULL, "the same as --pull-policy=never", ON_PREPARE | BIT(FETCH), OPT_BOOL,
		OPTION_HIDDEN, CLI(store_only) },
	{ "uuid-file-save", "FILE", "write the pod's UUID to a file", ON_RUN, OPT_TEXT, 0,
		CLI(uuid_file_save) },
	{ "quiet", NULL, "print nothing but the result: no progress of downloads",
		ON_PREPARE | BIT(FETCH), OPT_BOOL, 0, CLI(quiet) },
	{ "stage1-path", "FILE", "stage1 image from a file", ON_PREPARE, OPT_TEXT, OPTION_STAGE1,
		CLI(stage1_path) },
	{ "stage1-url", "URL", "stage1 image at an https:// or file:// URL", ON_PREPARE, OPT_TEXT,
		OPTION_STAGE1, CLI(stage1_url) },
	{ "stage1-name", "NAME[:VERSION]", "stage1 image of that name", ON_PREPARE, OPT_TEXT,
		OPTION_STAGE1, CLI(stage1_name) },
	{ "stage1-hash", "ID", "stage1 image of that id in the store", ON_PREPARE, OPT_TEXT,
		OPTION_STAGE1, CLI(stage1_hash) },
	{ "stage1-from-dir", "NAME",
		"stage1 image file of that name in the configured stage1 directory", ON_PREPARE,
		OPT_TEXT, OPTION_STAGE1, CLI(stage1_from_dir) },

	/* Of the image that they follow. */
	{ "exec", "PROGRAM", "program to run instead of the image's", ON_PREPARE, OPT_TEXT,
		OPTION_APP, APP(exec) },
	{ "name", "NAME", "name of the app (default: made from the image's)", ON_PREPARE, OPT_TEXT,
		OPTION_APP, APP(name) },
	{ "working-dir", "PATH", "working directory of the program", ON_PREPARE, OPT_TEXT,
		OPTION_APP, APP(working_dir) },
	{ "user", "USER", "user: a name of the image, a number, or /path of a file of it",
		ON_PREPARE, OPT_TEXT, OPTION_APP, APP(user) },
	{ "group", "GROUP", "group: a name of the image, a number, or /path of a file of it",
		ON_PREPARE, OPT_TEXT, OPTION_APP, APP(group) },
	{ "supplementary-gids", "GID[,GID...]", "further groups", ON_PREPARE, OPT_LIST, OPTION_APP,
		APP(supplementary_gids) },
	{ "environment", "NAME=VALUE", "environment variable of this app", ON_PREPARE, OPT_LIST,
		OPTION_APP, APP(environment) },
	{ "mount", "volume=NAME,target=PATH",
		"where the app sees a volume; before the first image: of all apps", ON_PREPARE,
		OPT_LIST, OPTION_APP | OPTION_MOUNT, APP(mounts) },
	{ "readonly-rootfs", "true|false", "make the root filesystem read-only", ON_PREPARE,
		OPT_TEXT, OPTION_APP, APP(readonly_rootfs), "true" },
	{ "memory", "SIZE", "memory limit and request, in bytes, as 64M or 64Mi; 256Ki at least",
		ON_PREPARE, OPT_TEXT, OPTION_APP, APP(memory) },
	{ "cpu", "CPUS", "cpu limit and request, as 500m (half a cpu) or 1.5", ON_PREPARE, OPT_TEXT,
		OPTION_APP, APP(cpu) },
	{ "cpu-shares", "SHARES", "cpu weight, 2 to 262144, 1024 being usual", ON_PREPARE, OPT_TEXT,
		OPTION_APP, APP(cpu_shares) },
	{ "pids-limit", "NUMBER", "limit of processes and threads", ON_PREPARE, OPT_TEXT,
		OPTION_APP, APP(pids) },
	{ "oom-score-adj", "NUMBER", "-1000 to 1000: who is killed first when memory is short",
		ON_PREPARE, OPT_TEXT, OPTION_APP, APP(oom_score_adj) },
	{ "rlimit", "NAME=SOFT[:HARD]",
		"limit of each process, as nofile=1024:4096, core=0, nproc=unlimited", ON_PREPARE,
		OPT_LIST, OPTION_APP, APP(rlimits) },
	{ "caps-retain", "CAP[,CAP...]", "capabilities to keep, instead of the 14 default ones",
		ON_PREPARE, OPT_LIST, OPTION_APP, APP(caps_retain), .words = caps_words },
	{ "caps-remove", "CAP[,CAP...]", "capabilities to take away from the default ones",
		ON_PREPARE, OPT_LIST, OPTION_APP, APP(caps_remove), .words = caps_words },
	{ "seccomp", "mode=MODE[,errno=ERRNO],CALL[,CALL...]",
		"system calls: mode=retain allows those named and no others, mode=remove forbids "
		"those named and no others; a forbidden one fails with ERRNO, or kills; sets begin "
		"with @",
		ON_PREPARE, OPT_LIST, OPTION_APP, APP(seccomp) },
	{ "cap-retain", "CAP[,CAP...]", "old name of --caps-retain", ON_PREPARE, OPT_LIST,
		OPTION_APP | OPTION_HIDDEN, APP(caps_retain) },
	{ "cap-remove", "CAP[,CAP...]", "old name of --caps-remove", ON_PREPARE, OPT_LIST,
		OPTION_APP | OPTION_HIDDEN, APP(caps_remove) },
	{ "annotation", "NAME=VALUE", "annotation of the app", ON_PREPARE, OPT_LIST, OPTION_APP,
		APP(annotations) },
	{ "user-annotation", "NAME=VALUE", "annotation for the user's own purposes", ON_PREPARE,
		OPT_LIST, OPTION_APP, APP(user_annotations) },
	{ "user-label", "NAME=VALUE", "label for the user's own purposes", ON_PREPARE, OPT_LIST,
		OPTION_APP, APP(user_labels) },

	{ "signature", "FILE", SIGNATURE_HELP, ON_PREPARE, OPT_TEXT, OPTION_APP, APP(signature) },

	/* Of trust. */
	{ "signature", "FILE", SIGNATURE_HELP, BIT(FETCH), OPT_TEXT, 0, CLI(signature) },
	{ "prefix", "PREFIX", "for images of that name and below it", BIT(TRUST), OPT_TEXT, 0,
		CLI(prefix) },
	{ "root", NULL, "for images of every name", BIT(TRUST), OPT_BOOL, 0, CLI(root) },
	{ "skip-fingerprint-review", NULL, "trust without asking", BIT(TRUST), OPT_BOOL, 0,
		CLI(skip_fingerprint_review) },
	{ "insecure-allow-http", NULL, "fetch keys over http, too", BIT(TRUST), OPT_BOOL, 0,
		CLI(insecure_allow_http) },
	{ "match", "exact|repository",
		"signatures of images with layers must name the tag that is asked for, or (the "
		"default) its repository, if they name any",
		BIT(TRUST), OPT_TEXT, 0, CLI(match) },
	{ "allow-unsigned", NULL, "ask no signature of the images below the prefix", BIT(TRUST),
		OPT_BOOL, 0, CLI(allow_unsigned) },

	/* Of the other commands. */
	{ "full", NULL, "print everything in full: ids, times, sizes in bytes",
		ON_LISTS | BIT(FETCH), OPT_BOOL, 0, CLI(full) },
	{ "no-legend", NULL, "leave the heading out", ON_LISTS | BIT(TRUST), OPT_BOOL, 0,
		CLI(no_legend) },
	{ "format", "json|json-pretty", "print JSON instead of text", ON_FORMAT, OPT_TEXT, 0,
		CLI(format) },
	{ "fields", "FIELD[,FIELD...]",
		"columns: id, name, size, importtime, lastused, verified (which --full adds), "
		"unique (which is shown when asked for)",
		BIT(IMAGE_LIST), OPT_TEXT, 0, CLI(fields), .words = image_field_words },
	{ "sort", "FIELD[,FIELD...]", "order by columns: name, importtime, lastused, size",
		BIT(IMAGE_LIST), OPT_TEXT, 0, CLI(sort), NULL, "importtime", image_sort_words },
	{ "order", "asc|desc", "ascending or descending", BIT(IMAGE_LIST), OPT_TEXT, 0, CLI(order),
		NULL, "asc" },
	{ "wait", "DURATION",
		"wait until the pod has exited, at most so long; true or a negative one: for ever",
		BIT(STATUS), OPT_TEXT, 0, CLI(wait), "true" },
	{ "wait-ready", "DURATION",
		"wait until the pod's apps run, at most so long; true or a negative one: for ever",
		BIT(STATUS), OPT_TEXT, 0, CLI(wait_ready), "true" },
	{ "uuid-file", "FILE", "read the UUID from a file", ON_UUID_FILE, OPT_TEXT, 0,
		CLI(uuid_file) },
	{ "app", "NAME", "which app of the pod, where there are several", ON_ENTER | BIT(EXPORT),
		OPT_TEXT, 0, CLI(app) },
	{ "privileged", NULL,
		"as root, with all capabilities and no filter of system calls; this is logged",
		ON_ENTER, OPT_BOOL, 0, CLI(privileged) },
	{ "force", NULL, "kill the pod at once", BIT(STOP), OPT_BOOL, 0, CLI(force) },
	{ "grace-period", "DURATION", "how long an exited pod is kept", BIT(GC), OPT_DURATION, 0,
		CLI(grace_period), NULL, "30m" },
	{ "grace-period", "DURATION", "how long an image that nobody uses is kept", BIT(IMAGE_GC),
		OPT_DURATION, 0, CLI(grace_period), NULL, "24h" },
	{ "expire-prepared", "DURATION", "how long a prepared pod that was never run is kept",
		BIT(GC), OPT_DURATION, 0, CLI(expire_prepared), NULL, "24h" },
	{ "mark-only", NULL, "mark exited pods, remove nothing", BIT(GC), OPT_BOOL, 0,
		CLI(mark_only) },
	{ "pretty-print", NULL, "indent the JSON, as is usual; with =false it is one line",
		ON_PRETTY, OPT_BOOL, 0, CLI(pretty_print), NULL, "true" },
	{ "overwrite", NULL, "replace what is there", ON_COPY | BIT(EXPORT) | BIT(IMAGE_EXPORT),
		OPT_BOOL, 0, CLI(overwrite) },
	{ "rootfs-only", NULL, "copy the root filesystem alone, without the manifest", ON_COPY,
		OPT_BOOL, 0, CLI(rootfs_only) },
};
const size_t n_options = sizeof options / sizeof *options;
