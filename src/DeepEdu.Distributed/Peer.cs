using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using DeepEdu.Collectives;

namespace DeepEdu.Distributed;

/// <summary>The connection to one rank: frames of a header, what they are about, and content. Large ones are sent by a thread of their own, so that both sides can send at once.</summary>
internal sealed class Peer : IDisposable
{
    private const uint Mark = 0x75644544; // "DEdu"
    private const int Header = 20, Small = 1 << 15, LongestText = 300;
    private static readonly long s_patience = Stopwatch.Frequency / 500;
    private readonly Socket _socket;
    private readonly int _rank;
    private readonly TimeSpan _timeout;
    private readonly byte[] _out = new byte[Small + 1024], _in = new byte[1 << 16];
    private readonly ManualResetEventSlim _asked = new(), _sent = new(true);
    private readonly Lock _sending = new();
    private byte[] _content = [];
    private Thread? _sender;
    private ReadOnlyMemory<byte> _large;
    private volatile Exception? _lost;
    private volatile bool _closed;
    private int _start, _end;

    public Peer(Socket socket, int rank, TimeSpan timeout)
    {
        (_socket, _rank, _timeout) = (socket, rank, timeout);
        socket.NoDelay = true;
        socket.SendBufferSize = socket.ReceiveBufferSize = 1 << 20;
        socket.SendTimeout = socket.ReceiveTimeout = (int)Math.Min(int.MaxValue, timeout.TotalMilliseconds);
    }

    /// <summary>Sends a message, or begins to: <see cref="Finish"/> waits.</summary>
    public void Send(string what, int number, ReadOnlyMemory<byte> content)
    {
        try
        {
            int head = Head(Kind.Data, -1, number, what, content.Length);
            if (content.Length <= Small)
            {
                content.Span.CopyTo(_out.AsSpan(head));
                SendAll(_out.AsMemory(0, head + content.Length));
                return;
            }
            SendAll(_out.AsMemory(0, head));
            if (_sender is null)
            {
                _sender = new(SendLarge) { IsBackground = true, Name = $"DeepEdu to rank {_rank}" };
                _sender.Start();
            }
            _large = content;
            _sent.Reset();
            _asked.Set();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // why it left may still stand in what it sent: whoever receives next finds out
            _lost = e;
        }
    }

    /// <summary>Waits until the last message is on its way.</summary>
    public void Finish(string what)
    {
        if (!_sent.Wait(_timeout)) { throw Silent(what, null); }
        if (_lost is { } e) { throw Gone(what, e); }
    }

    /// <summary>The next message.</summary>
    public Memory<byte> Receive(string what, int number)
    {
        try
        {
            string expected = Cut(what);
            var (kind, culprit, theirs, about, length) = Next(expected);
            if (kind == Kind.Abort) { throw new CollectiveException($"{what}: {(culprit == _rank ? $"rank {_rank} gave up: " : "")}{about}", culprit); }
            if (kind == Kind.Bye) { throw new CollectiveException($"{what}: rank {_rank} has left the group", _rank); }
            if (about != expected || theirs != number)
            {
                throw new CollectiveException($"rank {_rank} is at \"{about}\" (exchange {theirs}) where \"{what}\" (exchange {number}) is due: every rank must do the same, in the same order", _rank);
            }
            if (_content.Length < length) { _content = GC.AllocateUninitializedArray<byte>(Math.Max(length, 256)); }
            Take(_content.AsSpan(0, length));
            return _content.AsMemory(0, length);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock) { throw Silent(what, e); }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { throw Gone(what, e); }
    }

    /// <summary>The last words.</summary>
    public void Say(string? abort, int culprit)
    {
        try
        {
            if (!_sent.Wait(TimeSpan.FromSeconds(1)) || _lost is not null) { return; }
            _socket.SendTimeout = 1000;
            SendAll(_out.AsMemory(0, Head(abort is null ? Kind.Bye : Kind.Abort, culprit, 0, abort ?? "", 0)));
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { _lost = e; }
    }

    /// <summary>Reads what still comes until the other side has closed: closing with something unread would take back the last words.</summary>
    public void Drain(long deadline)
    {
        try
        {
            for (int n = 1; n > 0;)
            {
                int left = (int)(deadline - Environment.TickCount64);
                if (left <= 0) { return; }
                _socket.ReceiveTimeout = left;
                n = _socket.Receive(_in);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { _lost = e; }
    }

    public void Dispose()
    {
        _closed = true;
        _socket.Dispose();
        _asked.Set();
        _sender?.Join();
    }

    private void SendLarge()
    {
        while (true)
        {
            _asked.Wait();
            _asked.Reset();
            if (_closed) { return; }
            try { SendAll(_large); }
            catch (Exception e) when (e is SocketException or ObjectDisposedException) { _lost = e; }
            _sent.Set();
        }
    }

    private void SendAll(ReadOnlyMemory<byte> bytes)
    {
        lock (_sending)
        {
            for (int sent = 0; sent < bytes.Length;) { sent += _socket.Send(bytes.Span[sent..]); }
        }
    }

    // mark, kind, culprit, number, bytes of the text, bytes of the content
    private int Head(Kind kind, int culprit, int number, string what, int length)
    {
        int text = Encoding.UTF8.GetBytes(Cut(what), _out.AsSpan(Header));
        var head = _out.AsSpan();
        BinaryPrimitives.WriteUInt32LittleEndian(head, Mark);
        BinaryPrimitives.WriteInt16LittleEndian(head[4..], (short)kind);
        BinaryPrimitives.WriteInt32LittleEndian(head[6..], culprit);
        BinaryPrimitives.WriteInt32LittleEndian(head[10..], number);
        BinaryPrimitives.WriteInt16LittleEndian(head[14..], (short)text);
        BinaryPrimitives.WriteInt32LittleEndian(head[16..], length);
        return Header + text;
    }

    // what of a text is sent: not half a character
    private static string Cut(string text) => text.Length <= LongestText ? text : text[..(char.IsHighSurrogate(text[LongestText - 1]) ? LongestText - 1 : LongestText)];

    private (Kind Kind, int Culprit, int Number, string About, int Length) Next(string expected)
    {
        Span<byte> head = stackalloc byte[Header];
        Take(head);
        int length = BinaryPrimitives.ReadInt32LittleEndian(head[16..]), text = BinaryPrimitives.ReadInt16LittleEndian(head[14..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(head) != Mark || length < 0 || text is < 0 or > 1024) { throw new CollectiveException($"{expected}: what rank {_rank} sends is no message", _rank); }
        Span<byte> about = stackalloc byte[1024];
        about = about[..text];
        Take(about);
        string name = Same(about, expected) ? expected : Encoding.UTF8.GetString(about);
        return ((Kind)BinaryPrimitives.ReadInt16LittleEndian(head[4..]), BinaryPrimitives.ReadInt32LittleEndian(head[6..]), BinaryPrimitives.ReadInt32LittleEndian(head[10..]), name, length);
    }

    // no text is made of what is expected
    private static bool Same(ReadOnlySpan<byte> utf8, string text)
    {
        if (utf8.Length != text.Length) { return false; }
        for (int i = 0; i < utf8.Length; i++)
        {
            if (utf8[i] != text[i]) { return false; }
        }
        return true;
    }

    private void Take(Span<byte> to)
    {
        while (to.Length > 0)
        {
            if (_start == _end && to.Length >= _in.Length)
            {
                to = to[Some(to)..];
                continue;
            }
            if (_start == _end) { (_start, _end) = (0, Some(_in)); }
            int n = Math.Min(to.Length, _end - _start);
            _in.AsSpan(_start, n).CopyTo(to);
            _start += n;
            to = to[n..];
        }
    }

    // patience for what is nearly there: a thread that sleeps comes up late, and perhaps on the core of who woke it
    private int Some(Span<byte> to)
    {
        for (long end = Stopwatch.GetTimestamp() + s_patience; Stopwatch.GetTimestamp() < end && !_socket.Poll(0, SelectMode.SelectRead);) { Thread.Yield(); }
        int n = _socket.Receive(to);
        return n > 0 ? n : throw new SocketException((int)SocketError.ConnectionReset);
    }

    private CollectiveException Silent(string what, Exception? e) => new($"{what}: rank {_rank} was silent for {_timeout.TotalSeconds:0.###} s; if it was only slow, give a longer Timeout", _rank, e);

    private CollectiveException Gone(string what, Exception e) => new($"{what}: rank {_rank} is gone, its connection is closed", _rank, e);

    private enum Kind : short { Data, Abort, Bye }
}
