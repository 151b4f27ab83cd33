namespace DeepEdu.Nn;

/// <summary>How many bits of each weight an <see cref="InferenceSession"/> computes with.</summary>
public enum WeightPrecision
{
    /// <summary>All 32: the results are those of <c>Forward</c>, bit for bit.</summary>
    Float32,

    /// <summary>Eight, for the weights of dense and recurrent layers: w ≈ q·s with whole q from −127 to 127 and one step s = max|w|/127 for each output. One input at a time, wide layers wait for their weights, and these are a
    /// quarter as long. The inputs of products become whole numbers of 13 to 15 bits, sums of those are exact, and the results are the same on every processor up to what follows the products. Biases, embeddings, convolutions,
    /// norms and the LSTM with layer norm stay as they are. The model itself does not change; compare what it tells with eight bits on held-out data before you rely on it. PyTorch's <c>quantize_dynamic</c>.</summary>
    Int8,
}
