namespace DeepEdu.Ops;

/// <summary>What a loss makes of its single values.</summary>
public enum Reduction
{
    /// <summary>Their mean, a single value; weighted where the loss has weights for classes.</summary>
    Mean,

    /// <summary>Their sum, a single value.</summary>
    Sum,

    /// <summary>The values themselves.</summary>
    None,
}
