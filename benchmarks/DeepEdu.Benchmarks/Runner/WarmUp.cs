using System.Runtime;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>Repeats a call until the runtime has compiled its code for good. The compiler works on a thread of its own, for milliseconds at a time, and takes a core from whatever is measured beside it.</summary>
internal static class WarmUp
{
    private const double Quiet = 0.4;
    private const int QuietCalls = 40; // the runtime compiles anew what was called 30 times

    /// <summary>Calls at least three times and for <paramref name="least"/> seconds, then until nothing new has been compiled for a while, or for <paramref name="most"/> seconds.</summary>
    public static void Run(Action<int> call, double least = 0, double most = 10)
    {
        double start = Meter.Now(), since = start;
        long compiled = JitInfo.GetCompiledMethodCount();
        for (int n = 0, quiet = 0; ; n++, quiet++)
        {
            double now = Meter.Now();
            if (JitInfo.GetCompiledMethodCount() is long count && count != compiled) { (compiled, since, quiet) = (count, now, 0); }
            bool settled = now - since >= Quiet && quiet >= QuietCalls;
            if (n >= 3 && now - start >= least && (settled || now - start >= most)) { return; }
            call(n);
        }
    }
}
