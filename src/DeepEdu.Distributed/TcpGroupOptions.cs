using System.Globalization;

namespace DeepEdu.Distributed;

/// <summary>Which process this is, of how many, and where they meet.</summary>
public sealed record TcpGroupOptions
{
    /// <summary>Which of the processes this one is, from 0.</summary>
    public required int Rank { get; init; }

    /// <summary>How many there are.</summary>
    public required int Size { get; init; }

    /// <summary>Host and port at which rank 0 listens and the others come to it, such as "127.0.0.1:29500" or "node1:29500".</summary>
    public required string Address { get; init; }

    /// <summary>A secret that all processes share: who does not know it is refused. It is not sent itself. What is sent afterwards is not encrypted: use networks that you trust.</summary>
    public string Token { get; init; } = "";

    /// <summary>How long a rank may be silent while others wait for it: longer than the slowest epoch numbers, validation or writing of a checkpoint. A process that dies is noticed at once.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long the processes wait for each other at the start.</summary>
    public TimeSpan JoinTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>What a launcher says in DEEPEDU_RANK, DEEPEDU_SIZE, DEEPEDU_ADDRESS, DEEPEDU_TOKEN and DEEPEDU_TIMEOUT (seconds); or, where the first two are not set, as torchrun does in RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT.
    /// Null where there is neither: one process by itself.</summary>
    /// <exception cref="FormatException">A number is no number, or something is missing.</exception>
    public static TcpGroupOptions? FromEnvironment() => From(Environment.GetEnvironmentVariable);

    internal static TcpGroupOptions? From(Func<string, string?> variable)
    {
        bool own = variable("DEEPEDU_RANK") is { Length: > 0 } || variable("DEEPEDU_SIZE") is { Length: > 0 };
        if (!own && variable("WORLD_SIZE") is not { Length: > 0 }) { return null; }
        string address = variable("DEEPEDU_ADDRESS") is { Length: > 0 } said ? said
            : variable("MASTER_ADDR") is { Length: > 0 } host ? $"{host}:{Text("MASTER_PORT")}"
            : throw new FormatException("processes: DEEPEDU_ADDRESS is not set: where rank 0 listens, such as 127.0.0.1:29500");
        var options = new TcpGroupOptions
        {
            Rank = Number(own ? "DEEPEDU_RANK" : "RANK"),
            Size = Number(own ? "DEEPEDU_SIZE" : "WORLD_SIZE"),
            Address = address,
            Token = variable("DEEPEDU_TOKEN") ?? "",
        };
        return variable("DEEPEDU_TIMEOUT") is { Length: > 0 } ? options with { Timeout = TimeSpan.FromSeconds(Number("DEEPEDU_TIMEOUT")) } : options;

        string Text(string name) => variable(name) is { Length: > 0 } text ? text : throw new FormatException($"processes: {name} is not set, though others of its kind are");

        int Number(string name) => int.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : throw new FormatException($"processes: {name} is \"{Text(name)}\", not a whole number");
    }

    internal (string Host, int Port) Place()
    {
        int colon = Address.LastIndexOf(':');
        return colon > 0 && int.TryParse(Address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is > 0 and < 65536 ? (Address[..colon].Trim('[', ']'), port)
            : throw new FormatException($"tcp-group: the address \"{Address}\" is not of the form host:port");
    }
}
