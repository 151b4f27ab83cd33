using System.Collections.Concurrent;
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using ILGPU;
using ILGPU.Runtime;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>Launches as graphs: the accelerator does what it would have done without, kernel by kernel and byte by byte.</summary>
[Collection(nameof(EmulatedDriver))]
public class GraphTests
{
    private const string Waits = "lstm whose groups wait";

    public static TheoryData<string> Workloads => DeviceStepTests.Workloads;

    [EmulatedTheory, MemberData(nameof(Workloads))]
    public void TheDriverIsHandedWhatWasAskedFor(string workload)
    {
        using var device = Noting(out var noted);
        var step = DeviceStepTests.Of(workload, device);
        EmulatedDriver.Reset();
        EmulatedDriver.Record = true;
        const int Steps = 12;
        for (int i = 0; i < Steps; i++)
        {
            // as soon as everything is known, no kernel goes by itself
            if (i == 6) { Array.Clear(DriverCalls.Counts); }
            step();
        }
        EmulatedDriver.Record = false;
        AssertSame(noted, EmulatedDriver.Launches);
        Assert.Equal(0, EmulatedDriver.CountOf("cuLaunchKernel"));
        Assert.InRange(EmulatedDriver.CountOf("cuGraphLaunch"), 6, 6 * 6);
        Assert.Equal(6, EmulatedDriver.CountOf("cuMemcpyAsync")); // the losses
        // groups that wait for each other go by themselves, between the graphs of what came before and after
        Assert.Equal(workload == Waits ? 6 * 2 : 0, EmulatedDriver.CountOf("cuLaunchCooperativeKernel"));
        Assert.Equal(EmulatedDriver.Launches.Count(l => l.IsTogether), workload == Waits ? Steps * 2 : 0);
        Assert.InRange(EmulatedDriver.CountOf("cuGraphExecKernelNodeSetParams"), 0, noted.Count / 2);
    }

    /// <summary>Bias corrections, places in the stream of random numbers, sizes and the number of launches change from step to step; losses are read now and then, memory is given back, graphs are switched off and on.</summary>
    [EmulatedFact]
    public void AThousandStepsOfWhatChanges()
    {
        using var device = Noting(out var noted);
        device.PersistentRecurrence = false; // as many launches as steps
        Rng rng = new(7);
        var (words, lstm, drop, head) = (new Embedding(20, 6, rng), new Lstm(6, 8, rng), new Dropout(0.3f, rng), new Dense(8, 4, rng));
        foreach (Module m in (Module[])[words, lstm, drop, head]) { m.To(device); }
        var adam = new Adam([.. words.Parameters(), .. lstm.Parameters(), .. head.Parameters()], new() { LearningRate = 0.01 });
        EmulatedDriver.Reset();
        EmulatedDriver.Record = true;
        for (int i = 0; i < 1000; i++)
        {
            int batch = 2 + (i / 7 % 3), length = 3 + (i / 11 % 5);
            using (var tape = new Tape())
            {
                var loss = head.Forward(drop.Forward(lstm.Forward(words.Forward(Indices.Of([batch, length], [.. Enumerable.Range(i, batch * length).Select(j => j * j % 20)])))[.., ^1]))
                    .CrossEntropy(Indices.Of([batch], [.. Enumerable.Range(i, batch).Select(j => j % 4)]));
                adam.Step(tape.Gradients(loss));
                if (i % 3 == 0) { loss.Item(); }
            }
            if (i % 200 == 199) { device.EmptyCache(); }
            if (i % 300 == 299) { (device.Graphs, device.Graphs) = (false, true); }
        }
        device.Synchronize();
        EmulatedDriver.Record = false;
        AssertSame(noted, EmulatedDriver.Launches);
        Assert.True(device.Counts is { Graphs: > 250, Updated: > 1000, Made: > 30 }, device.LaunchReport());
        Assert.Equal(noted.Count, EmulatedDriver.Launches.Count);
    }

    /// <summary>A step's work begins when its tape closes, not when a loss is read some steps later; so each step is the same lists.</summary>
    [EmulatedFact]
    public void AStepGoesWhenItsTapeCloses()
    {
        EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
        using var device = EmulatedDriver.NewDevice();
        device.Graphs = true;
        var rng = new Rng(3);
        Dense head = new(6, 3, rng);
        head.To(device);
        var x = Tensor.Normal([4, 6], rng).To(device);
        Sgd sgd = new(head.Parameters(), new());
        device.Synchronize();
        for (int i = 0; i < 8; i++)
        {
            EmulatedDriver.Reset();
            using (var tape = new Tape())
            {
                Tensor part;
                using (var inner = new Tape()) { part = inner.Gradients(head.Forward(x).Sum())[head.Weight].Keep(); }
                sgd.Step(tape.Gradients(head.Forward(x).Square().Sum()));
                Assert.Equal((0, 0), (EmulatedDriver.CountOf("cuGraphLaunch"), EmulatedDriver.CountOf("cuLaunchKernel"))); // nor when a tape within it closes
            }
            Assert.Equal(i >= GraphCache.Repeats - 1 ? (1, true) : (0, false), (EmulatedDriver.CountOf("cuGraphLaunch"), EmulatedDriver.CountOf("cuLaunchKernel") == 0));
        }
        Assert.Equal((6, 1), ((int)device.Counts.Graphs, (int)device.Counts.Made));
    }

    /// <summary>The emulated GPU trains to the same bits with graphs and without.</summary>
    [EmulatedTheory]
    [InlineData("ncf sparse")]
    [InlineData("essays of different lengths")]
    [InlineData("attention")] // with dropout
    [InlineData(Waits)] // a launch that is no part of a graph, between two
    public void ResultsAreTheSameBits(string workload)
    {
        long together = Launcher.Cooperative;
        Assert.Equal(Losses(false, out _), Losses(true, out var counts));
        Assert.Equal(workload == Waits ? 2 * 6 * 2 : 0, Launcher.Cooperative - together);
        Assert.True(counts is { Graphs: > 0, Collected: > 20 });

        float[] Losses(bool graphs, out LaunchCounts counts)
        {
            EmulatedDriver.Start(EmulatedDriver.Kind.Execute);
            using var device = EmulatedDriver.NewDevice();
            device.Graphs = graphs;
            var step = DeviceStepTests.Of(workload, device);
            float[] losses = [.. Enumerable.Range(0, 6).Select(_ => step())];
            counts = device.Counts;
            Assert.True(losses[^1] != losses[0] && float.IsFinite(losses[^1]));
            return losses;
        }
    }

    /// <summary>Copies are nodes, too: each reads what was there when it was asked for, though the memory is used again.</summary>
    [EmulatedFact]
    public void CopiesCarryTheValuesOfTheirTime()
    {
        EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
        using var device = EmulatedDriver.NewDevice();
        device.Graphs = true;
        Tensor a = Tensor.Zeros([8], device), b = Tensor.Zeros([8], device);
        for (int i = 0; i < 50; i++)
        {
            float[] values = [.. Enumerable.Range(i, 8).Select(v => (float)v)];
            device.Write(values, a.View);
            device.Copy(a.View, b.View);
            device.Write(new float[3 + (i % 3)], new(a.View.Block, a.View.Offset, 3 + (i % 3)));
            Assert.Equal(values, b.ToArray());
            Assert.Equal(values[5..], a.ToArray()[5..]);
        }
        Assert.True(device.Counts is { Graphs: > 45, Collected: > 3 * 45, Direct: 2 }, device.LaunchReport());
    }

    /// <summary>Copies run ahead: marks stand behind what was collected, and a half of the page-locked memory is used again only after them.</summary>
    [EmulatedFact]
    public void CopiesThatRunAheadAreNotOverwritten()
    {
        EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
        using var device = EmulatedDriver.NewDevice();
        device.Graphs = true;
        const int Length = Staging.Half / sizeof(float) / 5;
        Tensor[] all = [.. Enumerable.Range(0, 23).Select(i => Tensor.Of([Length], [.. Enumerable.Repeat((float)i, Length)], device))];
        for (int i = 0; i < all.Length; i++) { Assert.All(all[i].ToArray(), v => Assert.Equal(i, v)); }
    }

    [EmulatedFact]
    public void OfManySequencesTheLastUsedStayGraphs()
    {
        EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
        using var device = EmulatedDriver.NewDevice();
        var x = Tensor.Zeros([8], device);
        device.Graphs = true;
        EmulatedDriver.Reset();
        const int More = 6;
        for (int n = 1; n <= GraphCache.Capacity + More; n++)
        {
            for (int time = 0; time < GraphCache.Repeats; time++) { Run(n); }
        }
        Assert.Equal((GraphCache.Capacity + More, More), ((int)device.Counts.Made, (int)EmulatedDriver.CountOf("cuGraphExecDestroy")));
        EmulatedDriver.Reset();
        Run(More + 1);
        Assert.Equal((1, 0), (EmulatedDriver.CountOf("cuGraphLaunch"), EmulatedDriver.CountOf("cuLaunchKernel")));
        Run(More);
        Assert.Equal((1, More), (EmulatedDriver.CountOf("cuGraphLaunch"), EmulatedDriver.CountOf("cuLaunchKernel")));

        void Run(int launches)
        {
            for (int i = 0; i < launches; i++) { device.Fill(x.View, i); }
            device.Synchronize();
        }
    }

    [EmulatedFact]
    public void WhatIsCollectedGoesBeforeMemoryIsGivenBack()
    {
        using var device = Noting(out var noted);
        EmulatedDriver.Reset();
        EmulatedDriver.Record = true;
        using (new Memory.Arena()) { _ = Tensor.Ones([1000], device) * 2f; }
        Assert.Empty(EmulatedDriver.Launches);
        device.Pool.Trim();
        EmulatedDriver.Record = false;
        AssertSame(noted, EmulatedDriver.Launches);
        Assert.True(EmulatedDriver.CountOf("cuMemFree_v2") > 0);
    }

    [EmulatedFact]
    public void AnErrorIsToldOnceAndWhatFollowsWorks()
    {
        EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
        using var device = EmulatedDriver.NewDevice();
        device.Graphs = true;
        var x = Tensor.Zeros([4], device);
        device.Synchronize();
        for (int i = 0; i < 6; i++)
        {
            device.Start(new KernelConfig(1, i == 4 ? 2048 : 32), new FillLoop { Y = GpuDevice.Of(x.View), Value = i }); // a group too large
            if (i == 4) { Assert.Throws<ILGPU.Runtime.Cuda.CudaException>(device.Synchronize); } else { device.Synchronize(); }
        }
        Assert.Equal((4, 2), (device.Counts.Direct, device.Counts.Graphs)); // the zeros, two until it is known, two graphs, and after the error one that is known again from the beginning
    }

    [Fact]
    public void WithoutGraphsTheSettingSaysSo()
    {
        using var device = GpuDevice.Simulated();
        string said = "";
        device.Log = s => said = s;
        device.Graphs = true;
        Assert.False(device.Graphs);
        Assert.Contains("graphs", said, StringComparison.Ordinal);
        device.Strict = true;
        Assert.Throws<NotSupportedException>(() => device.Graphs = true);
    }

    private static GpuDevice Noting(out List<Launched> noted)
    {
        EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
        var device = EmulatedDriver.NewDevice();
        Notes notes = new(device);
        device.Code = notes;
        device.Graphs = true;
        noted = notes.Noted;
        return device;
    }

    private static void AssertSame(List<Launched> asked, ConcurrentQueue<Launched> done)
    {
        Assert.NotEmpty(asked);
        int i = 0;
        foreach (var (want, got) in asked.Zip(done))
        {
            Assert.True((want.Function, want.Grid, want.Block) == (got.Function, got.Grid, got.Block) && want.Arguments.AsSpan().SequenceEqual(got.Arguments), $"launch {i}: {want} was asked for, {got} was done");
            i++;
        }
        Assert.Equal(asked.Count, done.Count);
    }

    // writes down what is asked for, before the queue sees it
    private sealed class Notes(GpuDevice device) : GpuCode(device.Accelerator, device.Queue)
    {
        public List<Launched> Noted { get; } = [];

        public override Launcher<K> Load<K>() => new NotingLauncher<K>((CudaLauncher<K>)base.Load<K>(), Noted);
    }

    private sealed unsafe class NotingLauncher<K>(CudaLauncher<K> launcher, List<Launched> noted) : Launcher<K> where K : struct, IGpuKernel
    {
        private readonly KernelArguments.Writer<K> _write = KernelArguments.Of<K>(out s_bytes);
        private static int s_bytes;

        public override void Run(KernelConfig how, in K kernel)
        {
            Note(how, kernel);
            launcher.Run(how, kernel);
        }

        private void Note(KernelConfig how, in K kernel)
        {
            byte[] arguments = new byte[s_bytes];
            var copy = kernel;
            fixed (byte* to = arguments) { _write(ref copy, to); }
            noted.Add(new(typeof(K).Name, (how.GridDim.X, how.GridDim.Y, how.GridDim.Z), (how.GroupDim.X, how.GroupDim.Y, how.GroupDim.Z), 0, arguments) { Function = launcher.Function });
        }

        public override int Together(int threads) => launcher.Together(threads);

        public override bool RunTogether(KernelConfig how, in K kernel)
        {
            Note(how, kernel);
            return launcher.RunTogether(how, kernel);
        }
    }
}
