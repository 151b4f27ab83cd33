namespace DeepEdu.Data;

/// <summary>A sample that could not be read, changed or put into its batch. The cause is the inner exception; it is the same with and without background threads.</summary>
/// <param name="message">What happened.</param>
/// <param name="index">The number of the sample; of the batch's first if the batch as a whole failed.</param>
/// <param name="batch">The number of the batch in its epoch.</param>
/// <param name="cause">What was thrown.</param>
public sealed class SampleException(string message, long index, int batch, Exception cause) : Exception(message, cause)
{
    /// <summary>The number of the sample in its dataset, or of its place in a stream; of the batch's first if the batch as a whole failed.</summary>
    public long Index => index;

    /// <summary>The number of the batch in its epoch.</summary>
    public int Batch => batch;
}
