using System.Net;
using System.Net.Sockets;
using DeepEdu.Collectives;

namespace DeepEdu.Distributed;

/// <summary>Where the ranks behind this one come to. Strangers are sent away; how slow they are holds nobody up.</summary>
internal sealed class Door : IDisposable
{
    private readonly Socket _listener;
    private readonly TcpGroupOptions _options;
    private readonly Dictionary<int, (Socket Socket, Claim Claim)> _guests = [];
    private readonly List<string> _refused = [];
    private readonly object _gate = new();
    private bool _closed;

    public Door(IPEndPoint at, TcpGroupOptions options)
    {
        _options = options;
        _listener = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            _listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            _listener.Bind(at);
            _listener.Listen(Math.Max(16, options.Size));
        }
        catch (SocketException e)
        {
            _listener.Dispose();
            throw new CollectiveException($"tcp-group: rank {options.Rank} cannot listen at {at}: {e.Message}; is the port taken, or the address another machine's?", options.Rank, e);
        }
        new Thread(Accept) { IsBackground = true, Name = "DeepEdu door" }.Start();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Waits for all ranks behind this one.</summary>
    public Dictionary<int, (Socket Socket, Claim Claim)> Guests(long deadline)
    {
        lock (_gate)
        {
            while (_guests.Count < _options.Size - 1 - _options.Rank)
            {
                int left = (int)Math.Clamp(deadline - Environment.TickCount64, 0, int.MaxValue);
                if (left > 0)
                {
                    Monitor.Wait(_gate, left);
                    continue;
                }
                int[] missing = [.. Enumerable.Range(_options.Rank + 1, _options.Size - 1 - _options.Rank).Where(r => !_guests.ContainsKey(r))];
                throw new CollectiveException($"tcp-group: {(missing.Length == 1 ? "rank" : "ranks")} {string.Join(", ", missing)} of {_options.Size} did not come to rank {_options.Rank} within {_options.JoinTimeout.TotalSeconds:0.###} s"
                    + (_refused.Count > 0 ? $"; who came was refused: {string.Join("; ", _refused.Distinct())}" : ""), missing[0]);
            }
            _closed = true;
            return _guests;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (!_closed)
            {
                foreach (var (socket, _) in _guests.Values) { socket.Dispose(); }
            }
            _closed = true;
        }
        _listener.Dispose();
    }

    private void Accept()
    {
        while (true)
        {
            Socket socket;
            try { socket = _listener.Accept(); }
            catch (Exception e) when (e is SocketException or ObjectDisposedException) { return; }
            Task.Run(() => Greet(socket));
        }
    }

    private void Greet(Socket socket)
    {
        try
        {
            socket.ReceiveTimeout = socket.SendTimeout = (int)Greeting.Patience.TotalMilliseconds;
            var claim = Greeting.Host(socket, _options.Token, Judge);
            lock (_gate)
            {
                if (_closed || !_guests.TryAdd(claim.Rank, (socket, claim))) { socket.Dispose(); }
                Monitor.PulseAll(_gate);
            }
        }
        catch (Exception e) when (e is SocketException or Refusal or InvalidDataException or ObjectDisposedException)
        {
            string who = "";
            try { who = $"{(socket.RemoteEndPoint as IPEndPoint)?.Address}: "; }
            catch (Exception lost) when (lost is SocketException or ObjectDisposedException) { }
            socket.Dispose();
            lock (_gate) { _refused.Add(who + e.Message); }
        }
    }

    private string? Judge(Claim claim)
    {
        if (claim.Version != Claim.ThisVersion) { return $"it is built with version {claim.Version} of DeepEdu.Distributed, rank {_options.Rank} with {Claim.ThisVersion}"; }
        if (claim.Size != _options.Size) { return $"it takes itself for one of {claim.Size} processes, rank {_options.Rank} for one of {_options.Size}"; }
        if (claim.Rank <= _options.Rank || claim.Rank >= _options.Size) { return $"rank {claim.Rank} does not come to rank {_options.Rank} of {_options.Size}"; }
        lock (_gate) { return _closed || _guests.ContainsKey(claim.Rank) ? $"a process of rank {claim.Rank} is here already" : null; }
    }
}
