using DeepEdu.Devices;

namespace DeepEdu.Tests.Devices;

// changes the number of threads: not beside other tests
[Collection("alone")]
public sealed unsafe class LockstepTests : IDisposable
{
    private const int Steps = 2000;
    private readonly int _before = DeepEduOptions.MaxThreads;

    public void Dispose() => DeepEduOptions.MaxThreads = _before;

    /// <summary>Each part of each step is done once, and reads what both parts of the step before have left; alone, with help, and where the pool is taken and everything runs on the caller.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(8, false)]
    [InlineData(2, true)]
    public void StepsFollowEachOther(int threads, bool nested)
    {
        DeepEduOptions.MaxThreads = threads;
        long[] values = new long[2 * (Steps + 1)];
        (values[0], values[1]) = (1, 2);
        float[] memory = GC.AllocateArray<float>(Lockstep.Length, pinned: true);
        fixed (float* m = memory)
        {
            var body = new Body { Memory = m, Values = values };
            if (nested) { Work.Run(2, new Nest { Body = body }); } else { Work.Run(Lockstep.Parts, body); }
        }
        (long a, long b) = (1, 2);
        for (int s = 0; s < Steps; s++)
        {
            (a, b) = ((3 * a) + b, (5 * a) - b + s);
            Assert.Equal(a, values[2 * (s + 1)]);
            Assert.Equal(b, values[(2 * (s + 1)) + 1]);
        }
    }

    private struct Body : IChunks
    {
        public float* Memory;
        public long[] Values;

        public readonly void Run(int chunk)
        {
            var turns = new Lockstep(Memory);
            for (int s = turns.Next; s < Steps; s++)
            {
                for (int i = 0; i < Lockstep.Parts; i++)
                {
                    int part = chunk ^ i;
                    if (!turns.TryTake(part, s)) { continue; }
                    long a = Values[2 * s], b = Values[(2 * s) + 1];
                    Values[(2 * (s + 1)) + part] += part == 0 ? (3 * a) + b : (5 * a) - b + s; // +=: a part done twice would show
                    turns.Finish(part, s);
                }
                turns.Await(s);
            }
        }
    }

    // the first chunk does all of it, from inside the pool
    private struct Nest : IChunks
    {
        public Body Body;

        public readonly void Run(int chunk)
        {
            if (chunk == 0) { Work.Run(Lockstep.Parts, Body); }
        }
    }
}
