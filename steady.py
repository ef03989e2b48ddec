import sys,os,resource,asyncio,time
root=os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0,root+'/benchmarks')
import recorded
what=sys.argv[1]; n=int(sys.argv[2])
HZ=100
def st(): return [int(x) for x in open('/proc/stat').readline().split()[1:]]
def procs():
    out={}
    for d in os.listdir('/proc'):
        if d.isdigit():
            try:
                s=open(f'/proc/{d}/stat').read(); c=s[s.index('(')+1:s.rindex(')')]; f=s.rsplit(')',1)[1].split()
                out[(d,c)]=(int(f[11])+int(f[12]), f[1])
            except OSError: pass
    return out
async def rate(inst,uid,count,conc):
    warm=recorded.Counting(conc); eng=inst.engine(warm,conc); inst.due(uid,"no-op",conc); eng.start(); await warm.done.wait()
    inst.due(uid,"no-op",count,start=conc); warm.left=count; warm.done.clear();
    a=st(); pa=procs(); ra=[resource.getrusage(x) for x in (0,-1)]; zy=[p for p,(t,pp) in pa.items() if pp==str(os.getpid())]
    def zstat():
        t=0
        o=[]
        for p,_ in zy:
            f=open(f'/proc/{p}/stat').read().rsplit(')',1)[1].split(); o.append((int(f[11])+int(f[13]), int(f[12])+int(f[14]), int(f[11]),int(f[12]),int(f[7]),int(f[8])))
        return o
    za=zstat()
    t=time.perf_counter(); eng.look(); await warm.done.wait(); t=warm.ended_at-t
    b=st(); pb=procs(); rb=[resource.getrusage(x) for x in (0,-1)]; zb=zstat()
    s=rb[0]; s0=ra[0]
    k=1e6/count
    du=(s.ru_utime-s0.ru_utime)*k; ds=(s.ru_stime-s0.ru_stime)*k
    zu=sum(y[2]-x[2] for x,y in zip(za,zb))*k/HZ; zs=sum(y[3]-x[3] for x,y in zip(za,zb))*k/HZ
    cu=sum(y[0]-x[0] for x,y in zip(za,zb))*k/HZ-zu; cs=sum(y[1]-x[1] for x,y in zip(za,zb))*k/HZ-zs
    d=[(y-x)/HZ/t*100 for x,y in zip(a,b)]
    cf=sum(y[5]-x[5] for x,y in zip(za,zb))/count; zf=sum(y[4]-x[4] for x,y in zip(za,zb))/count
    print(f"{what} {count/t:.0f}/s daemon {du:.0f}+{ds:.0f} zyg {zu:.0f}+{zs:.0f} child {cu:.0f}+{cs:.0f} sum {du+ds+zu+zs+cu+cs:.0f} of {2e6*t/count:.0f} | zflt {zf:.0f} cflt {cf:.0f} ctx {(s.ru_nvcsw-s0.ru_nvcsw)/count:.2f}/{(s.ru_nivcsw-s0.ru_nivcsw)/count:.2f} | us {d[0]:.0f} sy {d[2]:.0f} id {d[3]:.0f} io {d[4]:.0f} irq {d[5]+d[6]:.0f} st {d[7]:.0f}")
    others=sorted(((pb[p][0]-pa.get(p,(0,0))[0],p) for p in pb if pb[p][0]-pa.get(p,(0,0))[0]>1),reverse=True)[:6]
    if '-v' in sys.argv: print(others)
    await eng.stop(0)
    return count/t
recorded._rate=rate
recorded.recorded_rate(recorded.PYTHON_NO_OP if what=='rec' else recorded.SHELL_TRUE,n,8)
