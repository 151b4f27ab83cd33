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
    private readonly HashSet<int> _taken = []; // ranks of the guests, and of those that are being told they are let in
    private readonly List<string> _refused = [];
    private readonly object _gate = new();
    private bool _closed;

    public Door(IPEndPoint at, TcpGroupOptions options)
    {
        _options = options;
        _listener = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            _listener.Bind(at); // not with ReuseAddress: two that listen there would share who comes
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
            while (true)
            {
                foreach (int rank in _guests.Keys.ToArray()) { LetGo(rank); }
                if (_guests.Count == _options.Size - 1 - _options.Rank) { break; }
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
            // not on the thread pool, which the program may keep busy
            try { new Thread(() => Greet(socket)) { IsBackground = true, Name = "DeepEdu greeting" }.Start(); }
            catch (OutOfMemoryException) { socket.Dispose(); } // the system refuses a thread: who belongs here comes again
        }
    }

    private void Greet(Socket socket)
    {
        int letIn = -1;
        try
        {
            socket.ReceiveTimeout = socket.SendTimeout = (int)Greeting.Patience.TotalMilliseconds;
            var claim = Greeting.Host(socket, _options.Token, c =>
            {
                string? fault = Judge(c);
                if (fault is null) { letIn = c.Rank; }
                return fault;
            });
            lock (_gate)
            {
                if (_closed) { socket.Dispose(); }
                else { _guests.Add(claim.Rank, (socket, claim)); }
                Monitor.PulseAll(_gate);
            }
        }
        catch (Exception e)
        {
            string who = "";
            try { who = $"{(socket.RemoteEndPoint as IPEndPoint)?.Address}: "; }
            catch (Exception lost) when (lost is SocketException or ObjectDisposedException) { }
            socket.Dispose();
            lock (_gate)
            {
                _taken.Remove(letIn); // lost before it was told
                _refused.Add(who + e.Message);
                Monitor.PulseAll(_gate);
            }
        }
    }

    private string? Judge(Claim claim)
    {
        if (claim.Version != Claim.ThisVersion) { return $"it is built with version {claim.Version} of DeepEdu.Distributed, rank {_options.Rank} with {Claim.ThisVersion}"; }
        if (claim.Size != _options.Size) { return $"it takes itself for one of {claim.Size} processes, rank {_options.Rank} for one of {_options.Size}"; }
        if (claim.Rank <= _options.Rank || claim.Rank >= _options.Size) { return $"rank {claim.Rank} does not come to rank {_options.Rank} of {_options.Size}"; }
        lock (_gate)
        {
            // one that is being told may have given up meanwhile, and be the one that comes again
            for (long end = Environment.TickCount64 + ((long)Greeting.Patience.TotalMilliseconds / 2); !_closed && _taken.Contains(claim.Rank) && !_guests.ContainsKey(claim.Rank);)
            {
                if (!Monitor.Wait(_gate, (int)Math.Max(0, end - Environment.TickCount64))) { break; }
            }
            LetGo(claim.Rank);
            return _closed || !_taken.Add(claim.Rank) ? $"a process of rank {claim.Rank} is here already" : null;
        }
    }

    // a guest that has left since: this process was so slow to answer that it lost patience, and comes again
    private void LetGo(int rank)
    {
        if (_closed || !_guests.TryGetValue(rank, out var guest) || !HasLeft(guest.Socket)) { return; }
        guest.Socket.Dispose();
        _guests.Remove(rank);
        _taken.Remove(rank);
    }

    private static bool HasLeft(Socket socket)
    {
        try { return socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0; }
        catch (SocketException) { return true; }
    }
}
