using DeepEdu.Collectives;
using DeepEdu.Numerics;

namespace DeepEdu.Tests.Distributed;

/// <summary>What ranks exchange arrives, whoever is slow; sums have the same bits everywhere; what goes wrong on one rank is an error on all that names it.</summary>
public class CollectiveTests
{
    public static TheoryData<bool, int> Kinds => new() { { false, 1 }, { false, 2 }, { false, 5 }, { true, 1 }, { true, 2 }, { true, 4 } };

    [Theory, MemberData(nameof(Kinds))]
    public void EachMessageArrivesAtItsRank(bool tcp, int size)
    {
        // of all lengths, empty and far beyond what a connection holds, in both directions at once
        int[] lengths = [0, 1, 1000, 1 << 15, (1 << 15) + 1, 3_000_000, 7];
        Ranks.Of(tcp, size, group =>
        {
            var from = new Memory<byte>[size];
            for (int round = 0; round < lengths.Length; round++)
            {
                byte[][] to = [.. Enumerable.Range(0, size).Select(r => Content(group.Rank, r, round))];
                if (round % size == group.Rank) { Thread.Sleep(5); }
                group.Exchange($"round {round}", [.. to.Select(t => (ReadOnlyMemory<byte>)t)], from);
                foreach (byte[] t in to) { Array.Clear(t); } // the sender may go on
                for (int r = 0; r < size; r++) { Assert.True(from[r].Span.SequenceEqual(Content(r, group.Rank, round)), $"from {r} to {group.Rank} in round {round}"); }
            }
            return 0;
        });

        byte[] Content(int from, int to, int round)
        {
            byte[] bytes = new byte[lengths[(round + from + to) % lengths.Length]];
            for (int i = 0; i < bytes.Length; i++) { bytes[i] = (byte)(i + (3 * from) + (5 * to) + round); }
            return bytes;
        }
    }

    /// <summary>One process by itself keeps the same promises: the message may be changed afterwards, and what came may be written.</summary>
    [Fact]
    public void AMessageToOneselfIsACopy()
    {
        byte[] message = [1, 2, 3];
        var from = new Memory<byte>[1];
        Collective.Alone.Exchange("one", [message], from);
        message[0] = 9;
        Assert.Equal([1, 2, 3], from[0].ToArray());
        from[0].Span[1] = 8;
        Assert.Equal([9, 2, 3], message);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void SumsBroadcastsAndGathers(bool tcp, int size)
    {
        var all = Ranks.Of(tcp, size, group =>
        {
            float[] values = new float[1000];
            new Rng(5, (ulong)group.Rank).FillNormal(values);
            group.Sum(values.AsSpan());
            int[] told = [group.Rank, 7];
            group.Broadcast(told.AsSpan(), size - 1);
            Assert.Equal([size - 1, 7], told);
            double[][] gathered = group.Gather<double>(new double[group.Rank]);
            Assert.Equal(Enumerable.Range(0, size), gathered.Select(g => g.Length));
            group.Barrier();
            return values;
        });
        double[] exact = new double[1000];
        for (int r = 0; r < size; r++)
        {
            float[] values = new float[1000];
            new Rng(5, (ulong)r).FillNormal(values);
            for (int i = 0; i < exact.Length; i++) { exact[i] += values[i]; }
        }
        foreach (float[] sum in all)
        {
            Assert.Equal(all[0], sum);
            for (int i = 0; i < exact.Length; i++) { Assert.Equal(exact[i], sum[i], 1e-5); }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void RanksAtDifferentThingsAreTold(bool tcp)
    {
        var faults = Ranks.Faults(tcp, 3, group =>
        {
            if (group.Rank == 2) { group.Sum(new float[1].AsSpan()); }
            else { group.Barrier(); }
        });
        Assert.Contains(faults, f => f is not null && f.Message.Contains("\"sum\"", StringComparison.Ordinal) && f.Message.Contains("\"barrier\"", StringComparison.Ordinal));
        Assert.True(faults.Count(f => f is not null) >= 2);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void NothingIsExchangedAfterAFailure(bool tcp)
    {
        var faults = Ranks.Faults(tcp, 2, group =>
        {
            var from = new Memory<byte>[2];
            Assert.Throws<CollectiveException>(() => group.Exchange($"only at {group.Rank}", new ReadOnlyMemory<byte>[2], from));
            group.Barrier();
        });
        Assert.All(faults, Assert.NotNull);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhatIsExchangedMayHaveALongName(bool tcp)
    {
        foreach (string name in new[] { new string('x', 301), new string('y', 299) + "\U0001F600 and more" })
        {
            Ranks.Of(tcp, 2, group =>
            {
                var from = new Memory<byte>[2];
                group.Exchange(name, [new byte[] { 1, 2 }, new byte[] { 3 }], from);
                Assert.Equal(2 - group.Rank, from[1 - group.Rank].Length);
                return 0;
            });
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhoGivesUpIsNamedToAllWithTheReason(bool tcp)
    {
        var faults = Ranks.Faults(tcp, 3, group =>
        {
            group.Barrier();
            if (group.Rank == 1) { group.Abort("no bread"); }
            group.Barrier();
        });
        Assert.All(faults, f => Assert.Contains("no bread", f!.Message, StringComparison.Ordinal)); // and not that it was silent, as after the timeout
        Assert.All(faults, f => Assert.Equal(1, f!.Rank));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhoLeavesIsNamed(bool tcp)
    {
        var faults = Ranks.Faults(tcp, 3, group =>
        {
            group.Barrier();
            if (group.Rank == 2) { return; }
            group.Barrier();
        });
        Assert.Null(faults[2]);
        Assert.All(faults[..2], f => Assert.Contains("rank 2 has left", f!.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void WhoIsSilentIsNamedAfterTheTimeout()
    {
        using var end = new ManualResetEventSlim();
        var faults = Ranks.Tcp(2, group =>
        {
            if (group.Rank == 1)
            {
                end.Wait();
                return null;
            }
            try
            {
                group.Barrier();
                return null;
            }
            catch (CollectiveException e) { return e; }
            finally { end.Set(); }
        }, TimeSpan.FromSeconds(0.3));
        Assert.Equal(1, faults[0]!.Rank);
        Assert.Contains("silent for 0.3 s", faults[0]!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ThreadsThatDoNotComeAreNamedAfterTheTimeout()
    {
        var groups = DeepEdu.Distributed.ThreadGroup.Of(2, TimeSpan.FromSeconds(0.2));
        var e = Assert.Throws<CollectiveException>(() => groups[1].Barrier());
        Assert.Equal(0, e.Rank);
        Assert.Contains("rank 0 has not come to \"barrier\"", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ValuesOfDifferentLengthsAreAnError()
    {
        var faults = Ranks.Faults(false, 2, group => group.Sum(new double[1 + group.Rank].AsSpan()));
        Assert.All(faults, f => Assert.Contains("as many values on every rank", f!.Message, StringComparison.Ordinal));
    }
}
