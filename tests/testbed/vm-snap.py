#!/usr/bin/env python3
"""vm-snap.py prepare            boot once, save the machine's state in $TESTBED/snap
   vm-snap.py run [-s DIR] CMD   resume it, run CMD with DIR at /host, exit with its code"""
import sys,os,socket,json,subprocess,tempfile,time,shutil,signal
signal.signal(signal.SIGTERM,lambda *a: sys.exit(143))
V=os.environ.get('TESTBED') or os.path.join(os.path.dirname(os.path.realpath(__file__)),'../../build/testbed'); MEM=os.environ.get('VMMEM','768'); T0=time.time()
def args(w,extra):
    return ['qemu-system-x86_64','-M','q35,usb=off,vmport=off,graphics=off','-accel','tcg,thread=multi,tb-size=256','-cpu','max','-smp','2','-m',MEM,
    '-nographic','-nodefaults','-no-reboot','-kernel',V+'/vmlinuz','-initrd',V+'/ird-sd.gz',
    '-object','memory-backend-memfd,id=mem,size=%sM,share=on'%MEM,'-numa','node,memdev=mem',
    '-chardev','socket,id=ser,path=%s/ser,server=on,wait=off,logfile=%s/console'%(w,w),'-serial','chardev:ser',
    '-qmp','unix:%s/qmp,server=on,wait=off'%w,
    '-drive','file=%s/root-vm.erofs,format=raw,if=none,id=d0,readonly=on'%V,'-device','virtio-blk-pci,drive=d0,addr=3',
    '-drive','file=%s/cmd,format=raw,if=none,id=d1,readonly=on'%w,'-device','virtio-blk-pci,drive=d1,addr=4',
    '-device','virtio-serial-pci,addr=5','-chardev','file,id=out,path=%s/out'%w,'-device','virtserialport,chardev=out,name=out,nr=1',
    '-chardev','file,id=rc,path=%s/rc'%w,'-device','virtserialport,chardev=rc,name=rc,nr=2',
    '-device','virtio-rng-pci,addr=6','-device','pcie-root-port,id=rp1,chassis=1,slot=1,addr=7',
    '-append','console=ttyS0 quiet loglevel=3 panic=-1 random.trust_cpu=on mitigations=off nokaslr no_timer_check lpj=4000000 audit=0 selinux=0 apparmor=0 systemd.unit=vmrun.target systemd.show_status=0 systemd.log_level=notice vmrun.snap vmrun.date=%d'%time.time()]+extra
def connect(p,t=10):
    e=time.time()+t
    while True:
        try: s=socket.socket(socket.AF_UNIX); s.connect(p); return s
        except OSError:
            if time.time()>e: raise
            time.sleep(.01)
class Q:
    def __init__(s,p): s.s=connect(p); s.f=s.s.makefile('rw'); s.f.readline(); s('qmp_capabilities')
    def __call__(s,c,**a):
        s.f.write(json.dumps({'execute':c,'arguments':a})+'\n'); s.f.flush()
        while True:
            r=json.loads(s.f.readline())
            if 'return' in r: return r['return']
            if 'error' in r: raise RuntimeError('%s: %s'%(c,r['error']['desc']))
def main():
    w=tempfile.mkdtemp(prefix='vmsnap.',dir='/tmp'); procs=[]
    try:
        if sys.argv[1]=='prepare':
            open(w+'/cmd','wb').truncate(65536)
            p=subprocess.Popen(args(w,[]),stdin=subprocess.DEVNULL); procs.append(p)
            s=connect(w+'/ser'); buf=b''; s.settimeout(180)
            while b'VMRUN-READY' not in buf:
                d=s.recv(4096)
                if not d: raise SystemExit('ended: %r'%buf[-500:])
                buf+=d
            time.sleep(1); t1=time.time(); q=Q(w+'/qmp'); q('stop'); q('migrate-set-parameters',**{'max-bandwidth':1<<40})
            q('migrate',uri='exec:cat > %s/snap.tmp'%V)
            while q('query-migrate').get('status') not in ('completed','failed'): time.sleep(.05)
            st=q('query-migrate'); q('quit'); p.wait(); os.rename(V+'/snap.tmp',V+'/snap')
            print('saved: %s, %.1f MiB, ready after %.1f s, saving %.1f s'%(st['status'],os.path.getsize(V+'/snap')/2**20,t1-T0,time.time()-t1))
            return 0
        share=os.getcwd(); a=sys.argv[2:]; lim=float(os.environ.get('VMLIMIT','120'))
        if a[0]=='-s': share=os.path.realpath(a[1]); a=a[2:]
        open(w+'/cmd','w').write(' '.join(a)+'\n#VMRUN-END\n'); os.truncate(w+'/cmd',65536)
        os.mkfifo(w+'/out'); procs.append(subprocess.Popen(['cat',w+'/out']))
        vf=subprocess.Popen(['/usr/lib/qemu/virtiofsd','--socket-path='+w+'/vfs','-o','source='+share,'-o','cache=auto','-o','xattr'],stderr=subprocess.DEVNULL,stdout=subprocess.DEVNULL); procs.append(vf)
        p=subprocess.Popen(args(w,['-incoming','exec:cat %s/snap'%V]),stdin=subprocess.DEVNULL); procs.append(p)
        q=Q(w+'/qmp')
        while q('query-status')['status']=='inmigrate': time.sleep(.01)
        if os.environ.get('VMV'): print('running at %.2f'%(time.time()-T0),file=sys.stderr)
        t1=time.time(); e=t1+5
        while not os.path.exists(w+'/vfs') and time.time()<e: time.sleep(.01)
        q('chardev-add',id='vfs',backend={'type':'socket','data':{'addr':{'type':'unix','data':{'path':w+'/vfs'}},'server':False}})
        q('device_add',driver='vhost-user-fs-pci',id='fs0',bus='rp1',chardev='vfs',tag='host')
        if os.environ.get('VMV'): print('plugged at %.2f'%(time.time()-T0),q('query-status'),file=sys.stderr)
        q('cont'); s=connect(w+'/ser'); s.sendall(b'%d\n'%time.time())
        try: p.wait(lim)
        except subprocess.TimeoutExpired:
            print('vm-snap: time limit; console: %r'%open(w+'/console','rb').read()[-400:],file=sys.stderr); return 124
        procs[0].wait(5); rc=open(w+'/rc').read().strip()
        if os.environ.get('VMV'): print('resumed after %.2f s, all %.2f s'%(t1-T0,time.time()-T0),file=sys.stderr)
        return int(rc) if rc else 125
    finally:
        for p in procs:
            if p.poll() is None: p.kill(); p.wait()
        shutil.rmtree(w)
sys.exit(main())
