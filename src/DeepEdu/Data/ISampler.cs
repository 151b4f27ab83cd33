namespace DeepEdu.Data;

/// <summary>Says which samples an epoch takes, in which order. The order is a pure function of the epoch's number, so that training can be taken up anywhere.</summary>
public interface ISampler
{
    /// <summary>How many samples an epoch takes; where epochs differ, as in a curriculum, the most.</summary>
    int Count { get; }

    /// <summary>The numbers of the samples of an epoch, in an array that is the caller's own.</summary>
    int[] Order(int epoch);
}

/// <summary>Batches that know whether their rows come in another order than they were given in.</summary>
internal interface IShuffles
{
    bool Shuffles { get; }
}

/// <summary>Says which samples make up each batch of an epoch; a pure function of the epoch's number, as <see cref="ISampler"/>.</summary>
public interface IBatches : IBatches<int[]>
{
    /// <summary>Batches an epoch.</summary>
    new int Count { get; }

    /// <summary>The batches of an epoch, each the numbers of its samples.</summary>
    IEnumerable<int[]> Epoch(int epoch);

    int? IBatches<int[]>.Count => Count;

    IEnumerable<int[]> IBatches<int[]>.Epoch(int epoch, int from) => Epoch(epoch).Skip(from);
}
