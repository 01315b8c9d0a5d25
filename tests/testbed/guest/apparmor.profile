# What tests/testbed/inside/units.sh asks of AppArmor: everything may be done but what is denied here.
profile rkt-test flags=(attach_disconnected) {
	file,
	capability,
	network,
	mount,
	umount,
	pivot_root,
	ptrace,
	signal,
	unix,
	deny /denied/ w,
	deny /denied/** w,
}
