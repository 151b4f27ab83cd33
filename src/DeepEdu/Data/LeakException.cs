namespace DeepEdu.Data;

/// <summary>What a model is tested on would be known from its training: a row or a group in two parts, or training rows later than test rows. Scores from such a split are worth
/// nothing, so it is refused.</summary>
public sealed class LeakException(string message) : Exception(message);
