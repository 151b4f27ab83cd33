namespace DeepEdu.Collectives;

/// <summary>Several processes, or threads, that compute together: each has a rank, 0 first, and all call the same methods in the same order. One object is for one thread.
/// What is built on the one exchange stands in <see cref="Collective"/>.</summary>
public interface ICollective : IDisposable
{
    /// <summary>Which of them this one is, from 0.</summary>
    int Rank { get; }

    /// <summary>How many there are.</summary>
    int Size { get; }

    /// <summary>Gives every rank a message and takes one from each; returns when all have come. Messages may be of any length, also none.</summary>
    /// <param name="what">What is exchanged: it must be the same everywhere, and errors name it.</param>
    /// <param name="to">The message to each rank, by rank; the one to oneself comes back. May be changed after the call.</param>
    /// <param name="from">Gets the message of each rank, by rank, in memory that is the caller's to read and write until the next exchange.</param>
    /// <exception cref="CollectiveException">A rank is gone, silent for too long, gave up, or is at another exchange. Nothing can be exchanged any more.</exception>
    void Exchange(string what, ReadOnlySpan<ReadOnlyMemory<byte>> to, Span<Memory<byte>> from);

    /// <summary>Tells the others that this one cannot go on: their exchanges throw at once, with this text. Nothing can be exchanged any more.</summary>
    /// <param name="why">The reason.</param>
    /// <param name="rank">The rank whose fault it is; this one if negative.</param>
    void Abort(string why, int rank = -1);
}

/// <summary>What keeps processes from computing together any longer.</summary>
/// <param name="message">What happened, and where.</param>
/// <param name="rank">The rank whose fault it is; −1 if that is not known.</param>
/// <param name="inner">What it was found by.</param>
public sealed class CollectiveException(string message, int rank = -1, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The rank whose fault it is; −1 if that is not known.</summary>
    public int Rank => rank;
}
