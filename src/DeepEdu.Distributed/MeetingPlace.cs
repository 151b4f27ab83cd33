using System.Net;
using System.Net.Sockets;

namespace DeepEdu.Distributed;

/// <summary>A port of the loopback, held for those who are to meet there: Linux gives it to nobody else, neither to listen nor for a connection of theirs, and rank 0 may still listen at it.</summary>
internal sealed class MeetingPlace : IDisposable
{
    private readonly Socket _holds = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public MeetingPlace()
    {
        _holds.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // bound, and never listening
        Address = _holds.LocalEndPoint!.ToString()!;
        if (!OperatingSystem.IsLinux()) { _holds.Dispose(); } // elsewhere nobody could listen beside it
    }

    /// <summary>Host and port.</summary>
    public string Address { get; }

    public void Dispose() => _holds.Dispose();
}
