using DeepEdu.Devices;

namespace DeepEdu.Tests.Devices;

// changes the number of threads: not beside other tests
[Collection("alone")]
public sealed class WorkTests : IDisposable
{
    private readonly int _before = DeepEduOptions.MaxThreads;

    public void Dispose() => DeepEduOptions.MaxThreads = _before;

    /// <summary>What a job works on is its caller's memory: an interrupt is told when the job is done, and the pool is whole.</summary>
    [Fact]
    public void AnInterruptWaitsForTheJob()
    {
        DeepEduOptions.MaxThreads = 2;
        bool done = false, told = false;
        var both = new Together();
        var caller = new Thread(() =>
        {
            Work.Run(2, new Meeting(both));
            done = true;
            try { Thread.Sleep(60_000); }
            catch (ThreadInterruptedException) { told = true; }
        });
        caller.Start();
        while (!both.Left || (caller.ThreadState & ThreadState.WaitSleepJoin) == 0) { Thread.Sleep(1); }
        caller.Interrupt();
        Assert.False(caller.Join(50));
        both.Released.Set();
        caller.Join();
        Assert.True(done && told);
        both = new();
        both.Released.Set();
        Work.Run(2, new Meeting(both));
        Assert.True(both.Met.IsSet, "the pool runs nothing beside its caller any more");
    }

    private sealed class Together
    {
        public ManualResetEventSlim Met { get; } = new();

        public volatile bool Left; // no event: setting one may wait for whoever waits for it, and the interrupt is for the wait behind

        public ManualResetEventSlim Released { get; } = new();
    }

    // the caller's chunk waits for the other one to begin, which stays until it is released
    private readonly struct Meeting(Together both) : IChunks
    {
        public void Run(int chunk)
        {
            if (chunk == 0)
            {
                both.Met.Wait(TimeSpan.FromMinutes(2));
                both.Left = true;
                return;
            }
            both.Met.Set();
            both.Released.Wait();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public void EveryChunkRunsOnce(int threads)
    {
        DeepEduOptions.MaxThreads = threads;
        for (int chunks = 0; chunks < 200; chunks++)
        {
            var counts = new int[chunks];
            Work.Run(chunks, new Count { Counts = counts });
            Assert.All(counts, x => Assert.Equal(1, x));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void EveryChunkOfTwoPiecesOfWorkRunsOnce(int threads)
    {
        DeepEduOptions.MaxThreads = threads;
        for (int first = 0; first < 12; first++)
        {
            for (int second = 0; second < 40; second++)
            {
                int[] a = new int[first], b = new int[second];
                Work.Run(first, new Count { Counts = a }, second, new Count { Counts = b });
                Assert.All(a, x => Assert.Equal(1, x));
                Assert.All(b, x => Assert.Equal(1, x));
            }
        }
    }

    // a part counts in 16 bits: several chunks are claimed at once here
    [Theory]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(200_001)]
    public void EveryOneOfManyChunksRunsOnce(int chunks)
    {
        DeepEduOptions.MaxThreads = 3;
        var counts = new int[chunks];
        Work.Run(chunks, new Count { Counts = counts });
        Assert.DoesNotContain(counts, x => x != 1);
    }

    [Theory]
    [InlineData(0, 3)]
    [InlineData(1, 3)]
    [InlineData(9, 3)]
    [InlineData(10, 3)]
    [InlineData(1000, 1)]
    [InlineData(5, int.MaxValue)]
    public void RangesCoverTheLength(int length, int grain)
    {
        DeepEduOptions.MaxThreads = 2;
        var counts = new int[length];
        Work.For(length, grain, new CountRange { Counts = counts, Grain = grain });
        Assert.All(counts, x => Assert.Equal(1, x));
    }

    [Fact]
    public void GrainMustBePositive() => Assert.Throws<ArgumentOutOfRangeException>(() => Work.For(3, 0, new CountRange { Counts = [], Grain = 0 }));

    [Fact]
    public void NestedWorkRunsInline()
    {
        DeepEduOptions.MaxThreads = 4;
        var counts = new int[50];
        Work.Run(20, new Nested { Counts = counts });
        Assert.All(counts, x => Assert.Equal(20, x));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void ExceptionsReachTheCallerAndThePoolStaysWhole(int threads)
    {
        DeepEduOptions.MaxThreads = threads;
        for (int i = 0; i < 50; i++)
        {
            var e = Assert.Throws<InvalidOperationException>(() => Work.Run(30, new Fail { At = i % 30 }));
            Assert.Equal($"chunk {i % 30}", e.Message);
            EveryChunkRunsOnce(threads);
        }
    }

    [Fact]
    public void CallersFromManyThreadsAtOnce()
    {
        DeepEduOptions.MaxThreads = 4;
        var failures = new List<Exception>();
        var callers = new Thread[6];
        for (int t = 0; t < callers.Length; t++)
        {
            int seed = t;
            callers[t] = new Thread(() =>
            {
                try
                {
                    var random = new Random(seed);
                    for (int i = 0; i < 3000; i++)
                    {
                        var counts = new int[random.Next(1, 40)];
                        Work.Run(counts.Length, new Count { Counts = counts });
                        Assert.All(counts, x => Assert.Equal(1, x));
                        if (i % 500 == seed) { Thread.Sleep(1); } // let workers park
                    }
                }
                catch (Exception e)
                {
                    lock (failures) { failures.Add(e); }
                }
            });
        }
        Array.ForEach(callers, x => x.Start());
        Array.ForEach(callers, x => x.Join());
        Assert.Empty(failures);
    }

    [Fact]
    public void ThreadsMayChangeAtAnyTime()
    {
        var random = new Random(5);
        for (int i = 0; i < 2000; i++)
        {
            DeepEduOptions.MaxThreads = random.Next(1, 9);
            var counts = new int[random.Next(0, 50)];
            Work.Run(counts.Length, new Count { Counts = counts });
            Assert.All(counts, x => Assert.Equal(1, x));
            if (i % 100 == 0) { Thread.Sleep(2); }
        }
    }

    [Fact]
    public void OneThreadMeansTheCaller()
    {
        DeepEduOptions.MaxThreads = 1;
        var threads = new int[64];
        Work.Run(threads.Length, new Where { Threads = threads });
        Assert.All(threads, x => Assert.Equal(Environment.CurrentManagedThreadId, x));
    }

    [Fact]
    public void WithoutThreadsOneIsTheMost() // as in a browser
    {
        bool before = DeepEduOptions.HasThreads;
        DeepEduOptions.HasThreads = false;
        try
        {
            DeepEduOptions.MaxThreads = 8;
            Assert.Equal(1, DeepEduOptions.MaxThreads);
            Assert.Throws<ArgumentOutOfRangeException>(() => DeepEduOptions.MaxThreads = 0);
        }
        finally { DeepEduOptions.HasThreads = before; }
    }

    [Fact]
    public void ACallAllocatesNothing()
    {
        DeepEduOptions.MaxThreads = 2;
        var counts = new int[10];
        var body = new Count { Counts = counts };
        Work.Run(10, body);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) { Work.Run(10, body); }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private struct Count : IChunks
    {
        public int[] Counts;

        public readonly void Run(int chunk) => Interlocked.Increment(ref Counts[chunk]);
    }

    private struct CountRange : IRange
    {
        public int[] Counts;
        public int Grain;

        public readonly void Run(int from, int to)
        {
            Assert.True(from % Grain == 0 && to - from <= Grain && to > from);
            for (int i = from; i < to; i++) { Interlocked.Increment(ref Counts[i]); }
        }
    }

    private struct Nested : IChunks
    {
        public int[] Counts;

        public readonly void Run(int chunk) => Work.Run(Counts.Length, new Count { Counts = Counts });
    }

    private struct Fail : IChunks
    {
        public int At;

        public readonly void Run(int chunk)
        {
            if (chunk == At) { throw new InvalidOperationException($"chunk {chunk}"); }
        }
    }

    private struct Where : IChunks
    {
        public int[] Threads;

        public readonly void Run(int chunk) => Threads[chunk] = Environment.CurrentManagedThreadId;
    }
}
