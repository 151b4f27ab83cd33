using System.Net.Sockets;
using System.Text;
using DeepEdu.Collectives;
using DeepEdu.Distributed;

namespace DeepEdu.Tests.Distributed;

/// <summary>Who belongs to a group comes in, whatever else knocks; who does not is told why.</summary>
public class JoinTests
{
    private readonly string _address = $"127.0.0.1:{Processes.FreePort()}";

    [Fact]
    public async Task AnotherTokenIsRefusedOnBothSides()
    {
        var (host, guest) = await Both(Options(0) with { JoinTimeout = TimeSpan.FromSeconds(3) }, Options(1) with { Token = "wrong" });
        Assert.Contains("the token is another one", guest!.Message, StringComparison.Ordinal);
        Assert.Contains("rank 1 of 2 did not come", host!.Message, StringComparison.Ordinal);
        Assert.Contains("the token is another one", host.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnotherSizeIsRefused()
    {
        var (_, guest) = await Both(Options(0) with { JoinTimeout = TimeSpan.FromSeconds(3) }, Options(1) with { Size = 3 });
        Assert.Contains("takes itself for one of 3 processes, rank 0 for one of 2", guest!.Message, StringComparison.Ordinal);
    }

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
                    socket.Connect("127.0.0.1", int.Parse(_address.Split(':')[1], null));
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

    private TcpGroupOptions Options(int rank) => new() { Rank = rank, Size = 2, Address = _address, Token = "right", JoinTimeout = TimeSpan.FromMinutes(1) };

    private static async Task<(CollectiveException? Host, CollectiveException? Guest)> Both(TcpGroupOptions host, TcpGroupOptions guest)
    {
        var first = Task.Run(() => Record.Exception(() => TcpGroup.Join(host).Dispose()) as CollectiveException);
        var second = Task.Run(() => Record.Exception(() => TcpGroup.Join(guest).Dispose()) as CollectiveException);
        return (await first, await second);
    }
}
