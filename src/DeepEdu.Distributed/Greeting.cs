using System.Buffers.Binary;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace DeepEdu.Distributed;

/// <summary>Who comes.</summary>
/// <param name="Rank">Its rank.</param>
/// <param name="Size">Of how many it takes itself to be one.</param>
/// <param name="Port">Where it listens itself.</param>
/// <param name="Version">What it is built of.</param>
internal readonly record struct Claim(int Rank, int Size, int Port, string Version)
{
    public static string ThisVersion { get; } = typeof(Claim).Assembly.GetName().Version!.ToString(3);

    public byte[] ToBytes() => [.. BitConverter.GetBytes(Rank), .. BitConverter.GetBytes(Size), .. BitConverter.GetBytes(Port), .. Encoding.UTF8.GetBytes(Version)];

    public static Claim Of(ReadOnlySpan<byte> bytes) => bytes.Length < 12 ? throw new InvalidDataException("no claim")
        : new(BinaryPrimitives.ReadInt32LittleEndian(bytes), BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]), BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]), Encoding.UTF8.GetString(bytes[12..]));
}

/// <summary>The words with which two processes make sure that they belong together: each shows, by a keyed hash over a number that the other one has just drawn, that it knows the token. What does not answer so is a stranger.</summary>
internal static class Greeting
{
    private const int Nonce = 32;
    private static readonly byte[] s_word = "DeepEdu1"u8.ToArray();

    /// <summary>How long a stranger may keep silent.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(5);

    /// <summary>Of who comes.</summary>
    /// <exception cref="Refusal">The other side is another program, or refuses, and says why.</exception>
    public static void Come(Socket socket, string token, Claim self)
    {
        byte[] own = RandomNumberGenerator.GetBytes(Nonce), claim = self.ToBytes();
        Send(socket, [.. s_word, .. own]);
        byte[] other = Word(socket);
        Send(socket, [.. Seal(token, "comes"u8, other, own, claim), .. BitConverter.GetBytes(claim.Length), .. claim]);
        byte[] answer = Block(socket);
        if (answer[0] != 0) { throw new Refusal(Encoding.UTF8.GetString(answer.AsSpan(1))); }
        if (!CryptographicOperations.FixedTimeEquals(answer.AsSpan(1), Seal(token, "hosts"u8, own, other, claim))) { throw new Refusal("what listens there does not know the token"); }
    }

    /// <summary>Of who is come to.</summary>
    /// <param name="socket">The connection.</param>
    /// <param name="token">The secret.</param>
    /// <param name="judge">Null if the claim is good, else why not.</param>
    /// <exception cref="Refusal">It was a stranger, or was refused.</exception>
    public static Claim Host(Socket socket, string token, Func<Claim, string?> judge)
    {
        byte[] other = Word(socket), own = RandomNumberGenerator.GetBytes(Nonce);
        Send(socket, [.. s_word, .. own]);
        byte[] seal = Take(socket, 32), bytes = Block(socket);
        var claim = Claim.Of(bytes);
        string? fault = CryptographicOperations.FixedTimeEquals(seal, Seal(token, "comes"u8, own, other, bytes)) ? judge(claim) : "the token is another one";
        byte[] answer = fault is null ? [0, .. Seal(token, "hosts"u8, other, own, bytes)] : [1, .. Encoding.UTF8.GetBytes(fault)];
        Send(socket, [.. BitConverter.GetBytes(answer.Length), .. answer]);
        return fault is null ? claim : throw new Refusal($"rank {claim.Rank}: {fault}");
    }

    /// <summary>A few bytes with their length before them.</summary>
    public static byte[] Block(Socket socket)
    {
        int length = BinaryPrimitives.ReadInt32LittleEndian(Take(socket, 4));
        return length is > 0 and <= 1 << 20 ? Take(socket, length) : throw new Refusal("it is another program");
    }

    public static void SendBlock(Socket socket, byte[] block) => Send(socket, [.. BitConverter.GetBytes(block.Length), .. block]);

    private static byte[] Seal(string token, ReadOnlySpan<byte> role, byte[] challenge, byte[] own, byte[] claim) =>
        HMACSHA256.HashData(Encoding.UTF8.GetBytes(token), (byte[])[.. role, .. challenge, .. own, .. claim]);

    // the greeting, and the number drawn
    private static byte[] Word(Socket socket) => Take(socket, s_word.Length).AsSpan().SequenceEqual(s_word) ? Take(socket, Nonce) : throw new Refusal("it is another program");

    private static void Send(Socket socket, byte[] bytes)
    {
        for (int sent = 0; sent < bytes.Length;) { sent += socket.Send(bytes.AsSpan(sent)); }
    }

    private static byte[] Take(Socket socket, int length)
    {
        byte[] bytes = new byte[length];
        for (int at = 0; at < length;)
        {
            int n = socket.Receive(bytes.AsSpan(at));
            if (n == 0) { throw new SocketException((int)SocketError.ConnectionReset); }
            at += n;
        }
        return bytes;
    }
}

/// <summary>Two processes do not belong together.</summary>
internal sealed class Refusal(string why) : Exception(why);
