using System.Runtime.ExceptionServices;
using DeepEdu.Collectives;
using DeepEdu.Distributed;

namespace DeepEdu.Tests.Distributed;

/// <summary>Runs a body once a rank, each on a thread of its own.</summary>
internal static class Ranks
{
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(5); // for what does not come at all: a machine may be slow

    /// <summary>On a group of threads.</summary>
    public static T[] Threads<T>(int size, Func<ICollective, T> body) => All(ThreadGroup.Of(size, s_long).Select(g => new Func<ICollective>(() => g)), body);

    /// <summary>On the loopback.</summary>
    public static T[] Tcp<T>(int size, Func<ICollective, T> body, TimeSpan? timeout = null)
    {
        using var place = new MeetingPlace();
        return All(Enumerable.Range(0, size).Select(r => new Func<ICollective>(() => TcpGroup.Join(new() { Rank = r, Size = size, Address = place.Address, Token = "t", Timeout = timeout ?? s_long, JoinTimeout = s_long }))), body);
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
        foreach (var thread in threads) { Assert.True(thread.Join(3 * s_long), "a rank hangs"); }
        Array.Find(errors, e => e is not null)?.Throw();
        return results;
    }
}
