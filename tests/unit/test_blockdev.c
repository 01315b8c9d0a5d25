/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/blockdev.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "tests/unit/unit.h"

static struct err e;

START_TEST(source_of_a_file_system)
{
	static const char mounts[] =
		"21 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
		"29 1 0:26 /root / rw,relatime shared:1 - btrfs /dev/nvme0n1p2 rw,subvol=/root\n"
		"30 29 0:27 / /mnt rw - btrfs /dev/mapper/a-b rw\n"
		"31 29 0:28 / /x rw - nfs server:/export rw\n"
		"32 29 0:29 / /cut rw -\n"
		"33 29 0:30";
	char source[32];
	ck_assert(blockdev_source(mounts, makedev(0, 26), source, sizeof source));
	ck_assert_str_eq(source, "/dev/nvme0n1p2");
	ck_assert(blockdev_source(mounts, makedev(0, 27), source, sizeof source));
	ck_assert_str_eq(source, "/dev/mapper/a-b");
	ck_assert(!blockdev_source(mounts, makedev(0, 27), source, 8)); /* too long */
	for (unsigned minor = 28; minor < 33; minor++)
		ck_assert(!blockdev_source(mounts, makedev(0, minor), source, sizeof source));
	ck_assert(!blockdev_source(mounts, makedev(0, 20), source, sizeof source));
	ck_assert(!blockdev_source("", makedev(0, 20), source, sizeof source));
}
END_TEST

START_TEST(memory_is_on_no_disk)
{
	struct stat st;
	dev_t disk;
	ck_assert_int_eq(stat("/proc", &st), 0);
	ck_assert_int_eq(blockdev_behind(st.st_dev, &disk, &e), 0);
	ck_assert_int_eq(blockdev_behind(makedev(4000, 1), &disk, &e), 0);
}
END_TEST

/* Of every partition that this machine has, the disk; and of a disk, itself. */
START_TEST(partitions_belong_to_disks)
{
	_clean_(dir) DIR *d = opendir("/sys/dev/block");
	for (struct dirent *de; d && (de = readdir(d));) {
		char path[512];
		unsigned high, low;
		struct stat st;
		dev_t disk, again;
		if (sscanf(de->d_name, "%u:%u", &high, &low) != 2)
			continue;
		ck_assert_int_eq(blockdev_behind(makedev(high, low), &disk, &e), 1);
		ck_assert_int_eq(blockdev_behind(disk, &again, &e), 1);
		ck_assert(disk == again);
		snprintf(path, sizeof path, "/sys/dev/block/%s/partition", de->d_name);
		ck_assert((stat(path, &st) == 0) == (disk != makedev(high, low)));
	}
}
END_TEST

UNIT_MAIN("blockdev", &source_of_a_file_system, &memory_is_on_no_disk, &partitions_belong_to_disks)
