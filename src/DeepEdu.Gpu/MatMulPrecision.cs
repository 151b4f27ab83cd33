namespace DeepEdu.Gpu;

/// <summary>How exactly matrix products of float32 are made on a GPU; see <see cref="GpuDevice.MatMulPrecision"/>. The words are those of <c>torch.set_float32_matmul_precision</c>.</summary>
public enum MatMulPrecision
{
    /// <summary>In float32 throughout.</summary>
    Highest,

    /// <summary>Factors are rounded to TF32: the exponent of float32 and 11 significant bits. Sums are float32.</summary>
    High,

    /// <summary>Factors are rounded to bfloat16: the exponent of float32 and 8 significant bits; those of convolutions and attention to TF32. Sums are float32.</summary>
    Medium,
}
