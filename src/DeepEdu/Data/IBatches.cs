namespace DeepEdu.Data;

/// <summary>Batches of training data, epoch after epoch. The batches of an epoch follow from the seed and the epoch's number alone, so that training can be taken up at any step.</summary>
/// <typeparam name="B">A batch: row numbers, tensors, whatever the loss takes.</typeparam>
public interface IBatches<out B>
{
    /// <summary>Batches an epoch; null where that shows at its end only.</summary>
    int? Count { get; }

    /// <summary>The batches of an epoch, without the first <paramref name="from"/>.</summary>
    IEnumerable<B> Epoch(int epoch, int from = 0);
}
