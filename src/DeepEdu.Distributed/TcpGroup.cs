using System.Net;
using System.Net.Sockets;
using System.Text;
using DeepEdu.Collectives;

namespace DeepEdu.Distributed;

/// <summary>Processes on one machine or several, each connected to each by TCP. They find each other at the address of rank 0.
/// <code>
/// using var group = TcpGroup.Join(new() { Rank = 0, Size = 2, Address = "127.0.0.1:29500", Token = "x" });
/// </code></summary>
public sealed class TcpGroup : ICollective
{
    private readonly Peer?[] _peers;
    private byte[] _own = [];
    private string? _aborted;
    private int _exchanges;
    private bool _failed, _disposed;

    private TcpGroup(int rank, Peer?[] peers) => (Rank, _peers) = (rank, peers);

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Size => _peers.Length;

    /// <summary>Bytes of content that this rank has sent to others.</summary>
    public long BytesSent { get; private set; }

    /// <summary>Messages that this rank has sent to others.</summary>
    public long MessagesSent { get; private set; }

    /// <summary>Waits for the other processes and connects to all of them.</summary>
    /// <exception cref="CollectiveException">They did not come in time, or were refused, or rank 0 refused this one: another token, another size, another version, a rank that is taken.</exception>
    /// <exception cref="FormatException">The address is none.</exception>
    public static TcpGroup Join(TcpGroupOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Size, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(options.Rank, options.Size);
        long deadline = Environment.TickCount64 + (long)options.JoinTimeout.TotalMilliseconds;
        var sockets = new Socket?[options.Size];
        try
        {
            if (options.Rank == 0) { Host(options, sockets, deadline); }
            else { Come(options, sockets, deadline); }
            return new(options.Rank, [.. sockets.Select((s, r) => s is null ? null : new Peer(s, r, options.Timeout))]);
        }
        catch
        {
            foreach (var socket in sockets) { socket?.Dispose(); }
            throw;
        }
    }

    /// <inheritdoc/>
    public void Exchange(string what, ReadOnlySpan<ReadOnlyMemory<byte>> to, Span<Memory<byte>> from)
    {
        ArgumentException.ThrowIfNullOrEmpty(what);
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNotEqual(to.Length, Size);
        ArgumentOutOfRangeException.ThrowIfNotEqual(from.Length, Size);
        if (_failed || _aborted is not null) { throw new CollectiveException($"{what}: the group was given up{(_aborted is null ? "" : $": {_aborted}")}", Rank); }
        _failed = true; // until it has gone well: what is left of a message would be taken for the next one
        int number = _exchanges++;
        // each begins with the next rank, so that not all send to one
        for (int i = 1; i < Size; i++)
        {
            int r = (Rank + i) % Size;
            _peers[r]!.Send(what, number, to[r]);
            (BytesSent, MessagesSent) = (BytesSent + to[r].Length, MessagesSent + 1);
        }
        for (int i = 1; i < Size; i++)
        {
            int r = (Rank - i + Size) % Size;
            from[r] = _peers[r]!.Receive(what, number);
        }
        for (int i = 1; i < Size; i++) { _peers[(Rank + i) % Size]!.Finish(what); }
        if (_own.Length < to[Rank].Length) { _own = GC.AllocateUninitializedArray<byte>(to[Rank].Length); }
        to[Rank].CopyTo(_own);
        from[Rank] = _own.AsMemory(0, to[Rank].Length);
        _failed = false;
    }

    /// <inheritdoc/>
    public void Abort(string why, int rank = -1)
    {
        if (_disposed || _aborted is not null) { return; }
        _aborted = why ?? "";
        foreach (var peer in _peers) { peer?.Say(_aborted, rank < 0 ? Rank : rank); }
    }

    /// <summary>Leaves the group: who still waits for this rank gets an error.</summary>
    public void Dispose()
    {
        if (_disposed) { return; }
        _disposed = true;
        if (_aborted is null)
        {
            foreach (var peer in _peers) { peer?.Say(null, Rank); }
        }
        else
        {
            long deadline = Environment.TickCount64 + 1000;
            foreach (var peer in _peers) { peer?.Drain(deadline); }
        }
        foreach (var peer in _peers) { peer?.Dispose(); }
    }

    private static void Host(TcpGroupOptions options, Socket?[] sockets, long deadline)
    {
        if (options.Size == 1) { return; }
        using var door = new Door(Resolve(options), options);
        var guests = door.Guests(deadline);
        foreach (var (rank, guest) in guests) { sockets[rank] = guest.Socket; }
        // where each one is, seen from here
        string table = string.Join('\n', Enumerable.Range(1, options.Size - 1).Select(r => $"{((IPEndPoint)guests[r].Socket.RemoteEndPoint!).Address} {guests[r].Claim.Port}"));
        foreach (var (socket, _) in guests.Values) { Greeting.SendBlock(socket, Encoding.UTF8.GetBytes(table)); }
    }

    private static void Come(TcpGroupOptions options, Socket?[] sockets, long deadline)
    {
        var at = Resolve(options);
        // who is last is come to by nobody
        using var door = options.Rank < options.Size - 1 ? new Door(new(at.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0), options) : null;
        var claim = new Claim(options.Rank, options.Size, door?.Port ?? 0, Claim.ThisVersion);
        sockets[0] = Connect(at, 0, options, claim, deadline);
        string[] table;
        try
        {
            sockets[0]!.ReceiveTimeout = (int)Math.Clamp(deadline - Environment.TickCount64 + 1000, 1, int.MaxValue);
            table = Encoding.UTF8.GetString(Greeting.Block(sockets[0]!)).Split('\n');
        }
        catch (Exception e) when (e is SocketException or Refusal)
        {
            throw new CollectiveException($"tcp-group: rank 0 at {options.Address} has let rank {options.Rank} in and then given up: did all {options.Size} processes come?", 0, e);
        }
        for (int r = 1; r < options.Rank; r++)
        {
            string[] place = table[r - 1].Split(' ');
            sockets[r] = Connect(new(IPAddress.Parse(place[0]), int.Parse(place[1], null)), r, options, claim, deadline);
        }
        foreach (var (rank, guest) in door?.Guests(deadline) ?? []) { sockets[rank] = guest.Socket; }
    }

    private static Socket Connect(IPEndPoint at, int rank, TcpGroupOptions options, Claim claim, long deadline)
    {
        while (true)
        {
            var socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Connect(at);
                socket.ReceiveTimeout = socket.SendTimeout = (int)Greeting.Patience.TotalMilliseconds;
                Greeting.Come(socket, options.Token, claim);
                return socket;
            }
            catch (Refusal e)
            {
                socket.Dispose();
                throw new CollectiveException($"tcp-group: rank {options.Rank} was not let in at {at}: {e.Message}", options.Rank, e);
            }
            catch (SocketException e)
            {
                // not there yet, or on its way out
                socket.Dispose();
                if (Environment.TickCount64 >= deadline) { throw new CollectiveException($"tcp-group: rank {options.Rank} did not reach rank {rank} at {at} within {options.JoinTimeout.TotalSeconds:0.###} s: {e.Message}", rank, e); }
                Thread.Sleep(20);
            }
        }
    }

    private static IPEndPoint Resolve(TcpGroupOptions options)
    {
        var (host, port) = options.Place();
        if (IPAddress.TryParse(host, out var address)) { return new(address, port); }
        try
        {
            var all = Dns.GetHostAddresses(host);
            return new(Array.Find(all, a => a.AddressFamily == AddressFamily.InterNetwork) ?? all[0], port);
        }
        catch (SocketException e) { throw new CollectiveException($"tcp-group: nobody knows where \"{host}\" is: {e.Message}", options.Rank, e); }
    }
}
