using System.Runtime.ExceptionServices;
using DeepEdu.Collectives;
using DeepEdu.Distributed;

namespace DeepEdu.Tests.Distributed;

/// <summary>Runs a body once a rank, each on a thread of its own.</summary>
internal static class Ranks
{
    /// <summary>On a group of threads.</summary>
    public static T[] Threads<T>(int size, Func<ICollective, T> body) => All(ThreadGroup.Of(size, TimeSpan.FromMinutes(2)).Select(g => new Func<ICollective>(() => g)), body);

    /// <summary>On the loopback.</summary>
    public static T[] Tcp<T>(int size, Func<ICollective, T> body, TimeSpan? timeout = null)
    {
        string address = $"127.0.0.1:{Processes.FreePort()}";
        return All(Enumerable.Range(0, size).Select(r => new Func<ICollective>(() => TcpGroup.Join(new() { Rank = r, Size = size, Address = address, Token = "t", Timeout = timeout ?? TimeSpan.FromMinutes(2), JoinTimeout = TimeSpan.FromMinutes(2) }))), body);
    }

    public static T[] Of<T>(bool tcp, int size, Func<ICollective, T> body) => tcp ? Tcp(size, body) : Threads(size, body);

    /// <summary>What each rank throws.</summary>
    public static CollectiveException?[] Faults(bool tcp, int size, Action<ICollective> body) => Of(tcp, size, g =>
    {
        try { body(g); }
        catch (CollectiveException e) { return e; }
        return null;
    });

    private static T[] All<T>(IEnumerable<Func<ICollective>> join, Func<ICollective, T> body)
    {
        var joins = join.ToArray();
        var results = new T[joins.Length];
        var errors = new ExceptionDispatchInfo?[joins.Length];
        Thread[] threads = [.. joins.Select((open, r) => new Thread(() =>
        {
            try
            {
                using var group = open();
                results[r] = body(group);
            }
            catch (Exception e) { errors[r] = ExceptionDispatchInfo.Capture(e); }
        }))];
        foreach (var thread in threads) { thread.Start(); }
        foreach (var thread in threads) { Assert.True(thread.Join(TimeSpan.FromMinutes(4)), "a rank hangs"); }
        Array.Find(errors, e => e is not null)?.Throw();
        return results;
    }
}
