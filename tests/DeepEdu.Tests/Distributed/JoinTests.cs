using System.Net;
using System.Net.Sockets;
using System.Text;
using DeepEdu.Collectives;
using DeepEdu.Distributed;

namespace DeepEdu.Tests.Distributed;

/// <summary>Who belongs to a group comes in, whatever else knocks; who does not is told why.</summary>
public sealed class JoinTests : IDisposable
{
    private readonly MeetingPlace _place = new();

    public void Dispose() => _place.Dispose();

    [Fact]
    public void AnotherTokenIsRefusedOnBothSides() => Assert.Contains("rank 1 of 2 did not come", Refused(Options(1) with { Token = "wrong" }, "the token is another one"), StringComparison.Ordinal);

    [Fact]
    public void AnotherSizeIsRefused() => Refused(Options(1) with { Size = 3 }, "takes itself for one of 3 processes, rank 0 for one of 2");

    [Fact]
    public async Task StrangersHoldNobodyUp()
    {
        var host = Task.Run(() => TcpGroup.Join(Options(0)));
        using var silent = Knock();
        using var http = Knock();
        http.Send(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a stranger with a long header\r\n\r\n"));
        using var guest = TcpGroup.Join(Options(1));
        using var rank0 = await host;
        var other = Task.Run(() => guest.Gather<int>([1]));
        Assert.Equal([[0], [1]], rank0.Gather<int>([0]));
        await other;

        Socket Knock()
        {
            for (var until = DateTime.UtcNow.AddMinutes(1); ; Thread.Sleep(10))
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                try
                {
                    socket.Connect("127.0.0.1", IPEndPoint.Parse(_place.Address).Port);
                    return socket;
                }
                catch (SocketException) when (DateTime.UtcNow < until) { socket.Dispose(); }
            }
        }
    }

    [Fact]
    public async Task ARankThatIsTakenIsRefused()
    {
        var three = Options(0) with { Size = 3 };
        var host = Task.Run(() => TcpGroup.Join(three));
        var first = Task.Run(() => TcpGroup.Join(three with { Rank = 1 }));
        // the second one of rank 1 is refused whichever of the two comes first
        var second = Task.Run(() => TcpGroup.Join(three with { Rank = 1 }));
        var refused = await Task.WhenAny(first, second);
        var e = await Assert.ThrowsAsync<CollectiveException>(() => refused);
        Assert.Contains("a process of rank 1 is here already", e.Message, StringComparison.Ordinal);
        using var last = TcpGroup.Join(three with { Rank = 2 });
        (await host).Dispose();
        (await (refused == first ? second : first)).Dispose();
    }

    [Fact]
    public void WhoeverDoesNotComeIsNamed()
    {
        var e = Assert.Throws<CollectiveException>(() => TcpGroup.Join(Options(0) with { Size = 3, JoinTimeout = TimeSpan.FromSeconds(0.2) }));
        Assert.Contains("ranks 1, 2 of 3 did not come to rank 0 within 0.2 s", e.Message, StringComparison.Ordinal);
        e = Assert.Throws<CollectiveException>(() => TcpGroup.Join(Options(1) with { JoinTimeout = TimeSpan.FromSeconds(0.2) }));
        Assert.Contains("rank 1 did not reach rank 0", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheEnvironmentTells()
    {
        Assert.Null(From());
        var own = From(("DEEPEDU_RANK", "1"), ("DEEPEDU_SIZE", "4"), ("DEEPEDU_ADDRESS", "node:1234"), ("DEEPEDU_TOKEN", "x"), ("DEEPEDU_TIMEOUT", "7"), ("WORLD_SIZE", "9"))!;
        Assert.Equal((1, 4, "node:1234", "x", TimeSpan.FromSeconds(7)), (own.Rank, own.Size, own.Address, own.Token, own.Timeout));
        var torch = From(("RANK", "2"), ("WORLD_SIZE", "3"), ("MASTER_ADDR", "::1"), ("MASTER_PORT", "99"))!;
        Assert.Equal((2, 3, ("::1", 99)), (torch.Rank, torch.Size, torch.Place()));
        Assert.Contains("DEEPEDU_ADDRESS", Assert.Throws<FormatException>(() => From(("DEEPEDU_RANK", "1"), ("DEEPEDU_SIZE", "4"))).Message, StringComparison.Ordinal);
        Assert.Contains("\"-1\"", Assert.Throws<FormatException>(() => From(("DEEPEDU_RANK", "-1"), ("DEEPEDU_SIZE", "4"), ("DEEPEDU_ADDRESS", "a:1"))).Message, StringComparison.Ordinal);
        Assert.Throws<FormatException>(() => (own with { Address = "nowhere" }).Place());

        static TcpGroupOptions? From(params (string Name, string Value)[] set) => TcpGroupOptions.From(name => set.FirstOrDefault(s => s.Name == name).Value);
    }

    // connections to one port would be shared among all who listen there
    [Fact]
    public void APortThatIsTakenIsSaid()
    {
        using var door = new Door(IPEndPoint.Parse(_place.Address), Options(0));
        var e = Assert.Throws<CollectiveException>(() => TcpGroup.Join(Options(0) with { JoinTimeout = TimeSpan.FromSeconds(0.2) }));
        Assert.Contains("is the port taken", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OfAllWhoClaimARankAtOnceOneIsLetIn()
    {
        const int Many = 8;
        var options = Options(0) with { Size = 3 };
        for (int round = 0; round < 100; round++)
        {
            using var door = new Door(new(IPAddress.Loopback, 0), options);
            using var all = new Barrier(Many);
            var said = new string[Many];
            Thread[] threads = [.. Enumerable.Range(0, Many).Select(i => new Thread(() =>
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Connect(IPAddress.Loopback, door.Port);
                all.SignalAndWait();
                said[i] = Record.Exception(() => Greeting.Come(socket, options.Token, new(1, 3, 0, Claim.ThisVersion)))?.Message ?? "let in";
                all.SignalAndWait(); // who has left may be replaced
            }))];
            Array.ForEach(threads, t => t.Start());
            Array.ForEach(threads, t => t.Join());
            Assert.Single(said, "let in");
            Assert.Equal(Many - 1, said.Count(s => s == "a process of rank 1 is here already"));
        }
    }

    // rank 0 stood still for longer than the other one waits for an answer
    [Fact]
    public void WhoLostPatienceMayComeAgain()
    {
        var options = Options(0);
        using var door = new Door(new(IPAddress.Loopback, 0), options);
        using (var first = Come()) { }
        for (var until = DateTime.UtcNow.AddMinutes(1); ; Thread.Sleep(10)) // that it has left may take a moment to arrive
        {
            try
            {
                using var second = Come();
                var guest = Assert.Single(door.Guests(Environment.TickCount64 + 60_000));
                Assert.Equal(second.LocalEndPoint, guest.Value.Socket.RemoteEndPoint);
                guest.Value.Socket.Dispose();
                return;
            }
            catch (Refusal) when (DateTime.UtcNow < until) { }
        }

        Socket Come()
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Connect(IPAddress.Loopback, door.Port);
                Greeting.Come(socket, options.Token, new(1, 2, 0, Claim.ThisVersion));
                return socket;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }

    [Fact]
    public void AProgramThatKeepsTheThreadPoolBusyIsJoined()
    {
        var end = new ManualResetEventSlim(); // not disposed: the last ones look at it later
        // more than the pool makes threads for while the ranks wait
        for (int i = 0; i < 5000; i++) { ThreadPool.QueueUserWorkItem(_ => end.Wait()); }
        try { Assert.Equal([3, 3], Ranks.Tcp(2, g => g.Gather<int>([g.Rank + 1]).Sum(v => v[0]))); }
        finally { end.Set(); }
    }

    private TcpGroupOptions Options(int rank) => new() { Rank = rank, Size = 2, Address = _place.Address, Token = "right", JoinTimeout = TimeSpan.FromMinutes(1) };

    // what rank 0 says, where both give this reason. It waits in vain: longer and longer, until the other one was there in time
    private string Refused(TcpGroupOptions guest, string why)
    {
        var said = new string?[2];
        foreach (int seconds in new[] { 1, 10, 100 })
        {
            var options = Options(0) with { JoinTimeout = TimeSpan.FromSeconds(seconds) };
            Thread[] threads = [.. new[] { options, guest with { JoinTimeout = options.JoinTimeout } }.Select((o, i) => new Thread(() => said[i] = Record.Exception(() => TcpGroup.Join(o).Dispose())?.Message))];
            Array.ForEach(threads, t => t.Start());
            Array.ForEach(threads, t => t.Join());
            if (Array.TrueForAll(said, s => s?.Contains(why, StringComparison.Ordinal) == true)) { return said[0]!; }
        }
        throw new InvalidOperationException($"rank 0: {said[0]}\nrank 1: {said[1]}");
    }
}
